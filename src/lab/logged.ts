// What the log measured of an experiment, as its file says it.

import { z } from 'zod'

const countersSchema = z.strictObject({
  attempts: z.int().optional(),
  successes: z.int().optional(),
  failures: z.int().optional(),
  exhausted: z.int().optional(),
})

export const loggedSchema = z.strictObject({
  /** Null where it has no figures. */
  samples: z.int().nullable(),
  averageMs: z.number().nullable().optional(),
  minMs: z.number().optional(),
  maxMs: z.number().optional(),
  stdDevMs: z.number().optional(),
  errorPercent: z.number().optional(),
  throughput: z.number().nullable().optional(),
  receivedKBPerSecond: z.number().optional(),
  sentKBPerSecond: z.number().optional(),
  averageBytes: z.number().optional(),
  /** Every `Average Processing Time` that the log quotes, ms. */
  processingMs: z.array(z.number()).optional(),
  counters: countersSchema.optional(),
  /** What else it says. */
  saw: z.string(),
})

export type Logged = z.infer<typeof loggedSchema>
