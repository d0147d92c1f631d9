// A WebAssembly program that does MD5 (RFC 1321) over several messages at once: each step of the
// sum waits for the one before, so one message keeps a core mostly waiting. Four are one vector,
// and one, two or three vectors take about the same time: 1.5, 2.9 and 4.1 GB/s.
//
//     memory │ constants │ states │ block, transposed │ lane 0 │ … │ lane 11 │
//            0         256      512                1280

import {
  type Code,
  get,
  I32,
  i32,
  leb,
  MD5_BLOCK_BYTES,
  MD5_INITIAL,
  MD5_STEPS,
  md5Step,
  set,
  start,
} from './md5-code.ts'

/** Messages side by side. */
export const LANES_MAX_COUNT = 12
/** Of one vector. */
export const VECTOR_LANES = 4
/** Of a lane's message at a time: all of them lie in the first-level cache. */
export const LANE_BYTES = 4032
/** Some more than a power of two, so that lanes do not push each other out of the cache. */
const LANE_STRIDE = 4288
const STATES_AT = 256
const WORDS_AT = 512
const LANES_AT = 1280

export interface Md5Program {
  readonly memory: Uint8Array
  readonly states: Uint32Array
  /** That many blocks of the lanes of the first vector, of the first two, of all three. */
  readonly runs: readonly ((blockCount: number) => void)[]
}

/** Null where the machine has no vectors for it, or Node runs without a compiler. */
export function startMd5Program(): Md5Program | null {
  const started = start([bodyOf(1), bodyOf(2), bodyOf(3)])
  if (started === null) return null
  const { memory, runs } = started
  const constants = new Uint32Array(memory, 0, MD5_STEPS)
  for (let i = 0; i < MD5_STEPS; i++) constants[i] = constantOf(i)
  const states = new Uint32Array(memory, STATES_AT, 4 * LANES_MAX_COUNT)
  return { memory: new Uint8Array(memory), states, runs }
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
  for (let word = 0; word < 4; word++) states[stateAt(lane, word)] = MD5_INITIAL[word]!
}

// From here on the program's text.

const V128 = 0x7b
const VECTOR = 0xfd
const LOAD = 0x00
const LOAD_SPLAT = 0x09
const STORE = 0x0b
const SHUFFLE = 0x0d
const AND = [VECTOR, 0x4e]
const AND_NOT = [VECTOR, 0x4f]
const OR = [VECTOR, 0x50]
const XOR = [VECTOR, 0x51]
const SHIFT_LEFT = [VECTOR, 0xab, 0x01]
const SHIFT_RIGHT = [VECTOR, 0xad, 0x01]
const ADD = [VECTOR, 0xae, 0x01]
const SUBTRACT = [VECTOR, 0xb1, 0x01]

/** Locals: blocks left, the place within the lanes, then vectors. */
const [BLOCKS, PLACE, FIRST_VECTOR] = [0, 1, 2]
/** Of each group of four lanes: a, b, c, d, four more for the transposition. */
const VECTORS = 8

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

/** So many groups of four lanes. */
function bodyOf(groupCount: number): Code {
  const groups = Array.from({ length: groupCount }, (_, group) => group)
  const each = (code: (group: number) => Code) => groups.flatMap(code)
  const steps = Array.from({ length: MD5_STEPS }, (_, i) => each((group) => step(i, group))).flat()
  const loop = [
    ...each(transpose),
    ...each((group) =>
      words((word) => [...zero, ...memory(LOAD, state(word, group)), ...set(vector(group, word))]),
    ),
    ...steps,
    ...each((group) => words((word) => addToState(word, group))),
    ...[...get(PLACE), ...i32(MD5_BLOCK_BYTES), 0x6a, ...set(PLACE)],
    // Again, while blocks are left.
    ...[...get(BLOCKS), ...i32(1), 0x6b, 0x22, BLOCKS, 0x0d, 0],
  ]
  const locals = [2, 1, I32, VECTORS * groupCount, V128]
  return [...locals, 0x03, 0x40, ...loop, 0x0b, 0x0b]
}

const words = (code: (word: number) => Code): Code => [0, 1, 2, 3].flatMap(code)
const vector = (group: number, which: number): number => FIRST_VECTOR + group * VECTORS + which
const state = (word: number, group: number): number => STATES_AT + word * 48 + group * 16
const wordAt = (word: number, group: number): number => WORDS_AT + word * 48 + group * 16

/** Four words of four lanes at a time: rows to columns. */
function transpose(group: number): Code {
  const [r0, r1, r2, r3, t0, t1, t2, t3] = Array.from({ length: 8 }, (_, i) => vector(group, i))
  const join = (into: number, [a, b]: readonly number[], how: Code): Code => {
    return [...get(a!), ...get(b!), ...how, ...set(into)]
  }
  const keep = (word: number, pair: readonly number[], how: Code): Code => {
    const joined = [...get(pair[0]!), ...get(pair[1]!), ...how]
    return [...zero, ...joined, ...memory(STORE, wordAt(word, group))]
  }
  return [0, 4, 8, 12].flatMap((word) => [
    ...[r0, r1, r2, r3].flatMap((row, i) => {
      const at = laneAt(group * 4 + i) + word * 4
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

function step(i: number, group: number): Code {
  const { round, places, word, shift } = md5Step(i)
  const [a, b, c, d] = places.map((place) => vector(group, place))
  const sum = [
    ...[...get(a!), ...zero, ...memory(LOAD, wordAt(word, group)), ...ADD],
    ...[...zero, ...memory(LOAD_SPLAT, i * 4), ...ADD],
    ...[...addMix(round, get(b!), get(c!), get(d!)), ...set(a!)],
  ]
  const rotated = [
    ...[...get(a!), ...i32(shift), ...SHIFT_LEFT],
    ...[...get(a!), ...i32(32 - shift), ...SHIFT_RIGHT, ...OR],
  ]
  return [...sum, ...rotated, ...get(b!), ...ADD, ...set(a!)]
}

/**
 * In the second round the mix's two parts have no bit in common and are added one after the other:
 * the first one need not wait for b. In the fourth, c ^ (b | ~d) is ~(c ^ (d & ~b)), and adding ~x
 * is subtracting x + 1; the one is in the constants.
 */
function addMix(round: number, b: Code, c: Code, d: Code): Code {
  if (round === 0) return [...c, ...d, ...XOR, ...b, ...AND, ...d, ...XOR, ...ADD]
  if (round === 1) return [...c, ...d, ...AND_NOT, ...ADD, ...b, ...d, ...AND, ...ADD]
  if (round === 2) return [...c, ...d, ...XOR, ...b, ...XOR, ...ADD]
  return [...d, ...b, ...AND_NOT, ...c, ...XOR, ...SUBTRACT]
}

function constantOf(step: number): number {
  const { round, constant } = md5Step(step)
  return round < 3 ? constant : constant - 1
}

function addToState(word: number, group: number): Code {
  const old = [...zero, ...memory(LOAD, state(word, group))]
  return [
    ...zero,
    ...old,
    ...get(vector(group, word)),
    ...ADD,
    ...memory(STORE, state(word, group)),
  ]
}
