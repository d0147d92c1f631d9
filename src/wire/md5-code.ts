// What programs for MD5 (RFC 1321) in WebAssembly share: the sum's numbers, and the text of a
// module.

import { Buffer } from 'node:buffer'

/** Instructions, a number for each byte. */
export type Code = readonly number[]

export const MD5_STEPS = 64
export const MD5_BLOCK_BYTES = 64
export const MD5_INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21] as const

/** RFC 1321, section 3.4: a = b + ((a + mix(b, c, d) + word + constant) <<< shift). */
export interface Md5Step {
  readonly round: number
  /** Where a, b, c and d are among four: they change places at each step. */
  readonly places: readonly [number, number, number, number]
  readonly word: number
  readonly shift: number
  readonly constant: number
}

export function md5Step(i: number): Md5Step {
  const round = i >> 4
  return {
    round,
    places: [-i & 3, (1 - i) & 3, (2 - i) & 3, (3 - i) & 3],
    word: [i, 5 * i + 1, 3 * i + 5, 7 * i][round]! & 15,
    shift: SHIFTS[round * 4 + (i & 3)]!,
    constant: Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32),
  }
}

export const I32 = 0x7f

export const get = (local: number): Code => [0x20, local]
export const set = (local: number): Code => [0x21, local]
export const i32 = (value: number): Code => [0x41, ...signed(value | 0)]

export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]
}

/** LEB128 with a sign bit. */
function signed(value: number): number[] {
  const isLast = value >= -0x40 && value < 0x40
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}

/** As much of it as is used: the types of Node leave it to those of browsers. */
declare const WebAssembly:
  | {
      validate(code: Uint8Array): boolean
      readonly Module: new (code: Uint8Array) => object
      readonly Instance: new (module: object) => { readonly exports: unknown }
    }
  | undefined

export interface Started {
  readonly memory: ArrayBuffer
  readonly runs: readonly ((blockCount: number) => void)[]
}

/**
 * A page of memory and a function (i32) → () for each body; null where the machine cannot run them,
 * or Node runs without a compiler.
 */
export function start(bodies: readonly Code[]): Started | null {
  if (typeof WebAssembly === 'undefined') return null
  const code = new Uint8Array(moduleOf(bodies))
  if (!WebAssembly.validate(code)) return null
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code))
  const { memory } = exports as { memory: { buffer: ArrayBuffer } }
  const functions = exports as Record<string, (blockCount: number) => void>
  return { memory: memory.buffer, runs: bodies.map((_, i) => functions[`run${i}`]!) }
}

function moduleOf(bodies: readonly Code[]): number[] {
  const text = (name: string): Code => [name.length, ...Buffer.from(name, 'latin1')]
  const section = (id: number, content: Code): Code => [id, ...leb(content.length), ...content]
  const runs = bodies.flatMap((_, i) => [...text(`run${i}`), 0, i])
  const code = bodies.flatMap((body) => [...leb(body.length), ...body])
  return [
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 1, I32, 0]),
    ...section(3, [bodies.length, ...bodies.map(() => 0)]),
    ...section(5, [1, 0x00, 1]),
    ...section(7, [1 + bodies.length, ...text('memory'), 2, 0, ...runs]),
    ...section(10, [bodies.length, ...code]),
  ]
}
