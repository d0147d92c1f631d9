// What the process that supervises the workers tells each of them, and how a worker's questions are
// named. Both ends use these names.

import type { Settings } from './settings.ts'

export interface WorkerJob {
  readonly index: number
  /** Its part of the whole: bounds are already divided. */
  readonly settings: Settings
  /** The embedded Kinesis of the supervisor; null when records go to a service. */
  readonly endpoint: string | null
  /** Null lets the worker choose; the others are told what it chose. */
  readonly port: number | null
  /**
   * `shared`: the system shares the port out; `handed`: the supervisor hands connections round;
   * `none`: takes nothing new and only delivers what its number's directory still holds.
   */
  readonly listening: 'shared' | 'handed' | 'none'
}

/** What a worker answers. */
export const WORKER_KNOWS = {
  report: 'report',
  receipt: 'receipt',
  key: 'key',
  letters: 'letters',
} as const

/** What the supervisor answers. */
export const SUPERVISOR_KNOWS = {
  report: 'report',
  receipt: 'receipt',
  claim: 'claim',
  release: 'release',
} as const

/** An idempotency entry as it passes between processes. */
export interface SentKey {
  readonly receipts: readonly string[]
  /** Base64. */
  readonly bodyHash: string
  readonly ack: 'accepted' | 'durable' | 'delivered'
  readonly isDurable: boolean
}

/**
 * Each worker's part of what is bounded for the whole; at least one of everything that there is to
 * be at all. What a bound cannot be divided into goes to nobody.
 */
export function shareOf(settings: Settings, count: number): Settings {
  const part = (whole: number) => (whole === 0 ? 0 : Math.max(1, Math.floor(whole / count)))
  const { memory, spool, deadLetters, admission, backpressure, receipts, idempotency } = settings
  const { threshold } = backpressure
  return {
    ...settings,
    memory: { maxBytes: part(memory.maxBytes) },
    spool: { ...spool, maxBytes: part(spool.maxBytes) },
    deadLetters: { maxCount: part(deadLetters.maxCount), maxBytes: part(deadLetters.maxBytes) },
    receipts: { ...receipts, maxBytes: part(receipts.maxBytes) },
    idempotency: { ...idempotency, maxCount: part(idempotency.maxCount) },
    admission: { ...admission, maxOpenRequests: part(admission.maxOpenRequests) },
    backpressure: {
      ...backpressure,
      threshold: threshold === 'none' ? threshold : part(threshold),
      maxWaiting: Math.ceil(backpressure.maxWaiting / count),
    },
    mappings: settings.mappings.map(({ quota, ...mapping }) => {
      if (quota === undefined) return mapping
      const parts = Object.entries(quota).map(([name, rate]) => [name, rate && part(rate)])
      return { ...mapping, quota: Object.fromEntries(parts) }
    }),
  }
}
