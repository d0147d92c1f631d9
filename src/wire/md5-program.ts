// A WebAssembly program that does MD5 (RFC 1321) over several messages at once: each step of the
// sum waits for the one before, so one message keeps a core mostly waiting, while eight side by
// side, in two vectors of four words, keep it busy.
//
//     memory │ constants │ states │ block, transposed │ lane 0 │ … │ lane 7 │
//            0         256      512                1024

/** Messages side by side. */
export const LANES_MAX_COUNT = 8
export const MD5_BLOCK_BYTES = 64
/** Of a lane's message at a time: all eight lie in the first-level cache. */
export const LANE_BYTES = 4032
/** Some more than a power of two, so that lanes do not push each other out of the cache. */
const LANE_STRIDE = 4288
const PAGES = 1
const STATES_AT = 256
const WORDS_AT = 512
const LANES_AT = 1024

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const
const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const

export interface Md5Program {
  readonly memory: Uint8Array
  readonly states: Uint32Array
  /** That many blocks of lanes 0 to 3. */
  readonly run4: (blockCount: number) => void
  /** That many blocks of all lanes. */
  readonly run8: (blockCount: number) => void
}

/** As much of it as is used: the types of Node leave it to those of browsers. */
declare const WebAssembly:
  | {
      validate(code: Uint8Array): boolean
      readonly Module: new (code: Uint8Array) => object
      readonly Instance: new (module: object) => { readonly exports: unknown }
    }
  | undefined

/** Null where the machine has no vectors for it, or Node runs without a compiler. */
export function startMd5Program(): Md5Program | null {
  if (typeof WebAssembly === 'undefined') return null
  const code = new Uint8Array(moduleOf([bodyOf(1), bodyOf(2)]))
  if (!WebAssembly.validate(code)) return null
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code))
  const { memory, run4, run8 } = exports as {
    memory: { buffer: ArrayBuffer }
    run4: (blockCount: number) => void
    run8: (blockCount: number) => void
  }
  const constants = new Uint32Array(memory.buffer, 0, 64)
  for (let i = 0; i < 64; i++) constants[i] = Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32)
  const states = new Uint32Array(memory.buffer, STATES_AT, 4 * LANES_MAX_COUNT)
  return { memory: new Uint8Array(memory.buffer), states, run4, run8 }
}

/** Where in the memory a lane's message goes. */
export function laneAt(lane: number): number {
  return LANES_AT + lane * LANE_STRIDE
}

/** Where among the states a word of a lane's state is. */
export function stateAt(lane: number, word: number): number {
  return word * LANES_MAX_COUNT + lane
}

export function resetState(states: Uint32Array, lane: number): void {
  for (let word = 0; word < 4; word++) states[stateAt(lane, word)] = INITIAL[word]!
}

// From here on the program's text. `Code` is instructions, a number for each byte.
type Code = readonly number[]

const I32 = 0x7f
const V128 = 0x7b
const VECTOR = 0xfd
const LOAD = 0x00
const LOAD_SPLAT = 0x09
const STORE = 0x0b
const SHUFFLE = 0x0d
const AND = [VECTOR, 0x4e]
const NOT = [VECTOR, 0x4d]
const OR = [VECTOR, 0x50]
const XOR = [VECTOR, 0x51]
const SHIFT_LEFT = [VECTOR, 0xab, 0x01]
const SHIFT_RIGHT = [VECTOR, 0xad, 0x01]
const ADD = [VECTOR, 0xae, 0x01]

/** Locals: blocks left, the place within the lanes, then vectors. */
const [BLOCKS, PLACE, FIRST_VECTOR] = [0, 1, 2]
/** Of each half: a, b, c, d, four more for the transposition. */
const VECTORS = 8

const get = (local: number): Code => [0x20, local]
const set = (local: number): Code => [0x21, local]
const i32 = (value: number): Code => [0x41, ...signed(value)]
const zero = i32(0)
const memory = (operation: number, offset: number): Code => [VECTOR, operation, 2, ...leb(offset)]

/** Low or high halves of two vectors, in pieces of so many bytes. */
function interleave(pieceBytes: number, isHigh: boolean): Code {
  const lanes: number[] = []
  for (let at = isHigh ? 8 : 0; lanes.length < 16; at += pieceBytes) {
    for (const from of [0, 16]) for (let i = 0; i < pieceBytes; i++) lanes.push(from + at + i)
  }
  return [VECTOR, SHUFFLE, ...lanes]
}

/** `run4` with one half, `run8` with two. */
function bodyOf(halfCount: number): Code {
  const halves = Array.from({ length: halfCount }, (_, half) => half)
  const each = (code: (half: number) => Code) => halves.flatMap(code)
  const steps = Array.from({ length: 64 }, (_, i) => each((half) => step(i, half))).flat()
  const loop = [
    ...each(transpose),
    ...each((half) =>
      words((word) => [...zero, ...memory(LOAD, state(word, half)), ...set(vector(half, word))]),
    ),
    ...steps,
    ...each((half) => words((word) => addToState(word, half))),
    ...[...get(PLACE), ...i32(MD5_BLOCK_BYTES), 0x6a, ...set(PLACE)],
    // Again, while blocks are left.
    ...[...get(BLOCKS), ...i32(1), 0x6b, 0x22, BLOCKS, 0x0d, 0],
  ]
  const locals = [2, 1, I32, VECTORS * halfCount, V128]
  return [...locals, 0x03, 0x40, ...loop, 0x0b, 0x0b]
}

const words = (code: (word: number) => Code): Code => [0, 1, 2, 3].flatMap(code)
const vector = (half: number, which: number): number => FIRST_VECTOR + half * VECTORS + which
const state = (word: number, half: number): number => STATES_AT + word * 32 + half * 16
const wordAt = (word: number, half: number): number => WORDS_AT + word * 32 + half * 16

/** Four words of four lanes at a time: rows to columns. */
function transpose(half: number): Code {
  const [r0, r1, r2, r3, t0, t1, t2, t3] = Array.from({ length: 8 }, (_, i) => vector(half, i))
  const join = (into: number, [a, b]: readonly number[], how: Code): Code => {
    return [...get(a!), ...get(b!), ...how, ...set(into)]
  }
  const keep = (word: number, pair: readonly number[], how: Code): Code => {
    const joined = [...get(pair[0]!), ...get(pair[1]!), ...how]
    return [...zero, ...joined, ...memory(STORE, wordAt(word, half))]
  }
  return [0, 4, 8, 12].flatMap((word) => [
    ...[r0, r1, r2, r3].flatMap((row, i) => {
      const at = laneAt(half * 4 + i) + word * 4
      return [...get(PLACE), ...memory(LOAD, at), ...set(row!)]
    }),
    ...join(t0!, [r0!, r1!], interleave(4, false)),
    ...join(t1!, [r2!, r3!], interleave(4, false)),
    ...join(t2!, [r0!, r1!], interleave(4, true)),
    ...join(t3!, [r2!, r3!], interleave(4, true)),
    ...keep(word, [t0!, t1!], interleave(8, false)),
    ...keep(word + 1, [t0!, t1!], interleave(8, true)),
    ...keep(word + 2, [t2!, t3!], interleave(8, false)),
    ...keep(word + 3, [t2!, t3!], interleave(8, true)),
  ])
}

/** RFC 1321, section 3.4: a = b + ((a + mix(b, c, d) + word + constant) <<< shift). */
function step(i: number, half: number): Code {
  // The four words change places at each step: a, d, c, b, and a again.
  const [a, b, c, d] = [0, 1, 2, 3].map((word) => vector(half, (word - i) & 3))
  const round = i >> 4
  const word = [i, 5 * i + 1, 3 * i + 5, 7 * i][round]! & 15
  const shift = SHIFTS[round * 4 + (i & 3)]!
  const sum = [
    ...[...get(a!), ...zero, ...memory(LOAD, wordAt(word, half)), ...ADD],
    ...[...zero, ...memory(LOAD_SPLAT, i * 4), ...ADD],
    ...[...mix(round, get(b!), get(c!), get(d!)), ...ADD, ...set(a!)],
  ]
  const rotated = [
    ...[...get(a!), ...i32(shift), ...SHIFT_LEFT],
    ...[...get(a!), ...i32(32 - shift), ...SHIFT_RIGHT, ...OR],
  ]
  return [...sum, ...rotated, ...get(b!), ...ADD, ...set(a!)]
}

function mix(round: number, b: Code, c: Code, d: Code): Code {
  if (round === 0) return [...c, ...d, ...XOR, ...b, ...AND, ...d, ...XOR]
  if (round === 1) return [...b, ...c, ...XOR, ...d, ...AND, ...c, ...XOR]
  if (round === 2) return [...c, ...d, ...XOR, ...b, ...XOR]
  return [...d, ...NOT, ...b, ...OR, ...c, ...XOR]
}

function addToState(word: number, half: number): Code {
  const old = [...zero, ...memory(LOAD, state(word, half))]
  return [...zero, ...old, ...get(vector(half, word)), ...ADD, ...memory(STORE, state(word, half))]
}

/** One function type (i32) → (), a memory, and the bodies as `run4` and `run8`. */
function moduleOf(bodies: readonly Code[]): number[] {
  const text = (name: string): Code => [name.length, ...Buffer.from(name, 'latin1')]
  const section = (id: number, content: Code): Code => [id, ...leb(content.length), ...content]
  const names = [...text('memory'), 2, 0, ...text('run4'), 0, 0, ...text('run8'), 0, 1]
  const code = bodies.flatMap((body) => [...leb(body.length), ...body])
  return [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 1, I32, 0]),
    ...section(3, [bodies.length, ...bodies.map(() => 0)]),
    ...section(5, [1, 0x00, PAGES]),
    ...section(7, [3, ...names]),
    ...section(10, [bodies.length, ...code]),
  ]
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]
}

/** LEB128 with a sign bit, of what is not negative. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)]
}
