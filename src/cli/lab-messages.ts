// What the lab and its load generator say to each other.

import type { Experiment, Sample, Samples } from '../lab/index.ts'

export type ToGenerator =
  | {
      readonly type: 'start'
      readonly load: Experiment['load']
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      /** The header that gets a key of its own in each request, if any. */
      readonly keyHeader: string | null
      readonly payloadBytes: number
    }
  | { readonly type: 'stop' }

export interface FromGenerator {
  readonly type: 'told'
  /** Those since the last time, packed. */
  readonly samples: Float64Array
  readonly begun: number
  readonly planned: number
  readonly active: number
  /** How busy the generator's own event loop was, 0 to 1. */
  readonly busy: number
  /** How far it was behind its schedule, at most. */
  readonly lateMs: number
  readonly isOver: boolean
}

const COLUMNS = 7

/** The samples from `from` on, as numbers in a row. */
export function pack(samples: Samples, from: number): Float64Array {
  const packed = new Float64Array((samples.count - from) * COLUMNS)
  for (let i = from; i < samples.count; i++) {
    const { startMs, elapsedMs, status, receivedBytes, sentBytes, thread, active } = samples.at(i)
    const row = [startMs, elapsedMs, status, receivedBytes, sentBytes, thread, active]
    packed.set(row, (i - from) * COLUMNS)
  }
  return packed
}

export function unpackInto(samples: { add(sample: Sample): void }, packed: Float64Array): void {
  for (let at = 0; at < packed.length; at += COLUMNS) {
    const [startMs, elapsedMs, status, receivedBytes, sentBytes, thread, active] = packed.subarray(
      at,
      at + COLUMNS,
    ) as unknown as [number, number, number, number, number, number, number]
    samples.add({ startMs, elapsedMs, status, receivedBytes, sentBytes, thread, active })
  }
}
