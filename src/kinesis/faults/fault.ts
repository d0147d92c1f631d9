// Faults on request, as data: what goes wrong, for whom, how often and when.

import { z } from 'zod'
import { ConfigError, type Field, readConfig, shaped } from '../../config/index.ts'
import { STREAM_NAME_PATTERN } from '../../wire/index.ts'
import { ACTIONS } from '../action.ts'

export const FAULTS_MAX_COUNT = 100
const DAY_MS = 86_400_000
const LATENCY_MAX_MS = 600_000
const STATUS_MIN = 500
const STATUS_MAX = 599

/** Whom it strikes, and when; what is left out narrows nothing down. */
const selectors = {
  action: z.enum(ACTIONS, { error: `allowed are ${ACTIONS.join(', ')}` }).optional(),
  stream: z.string().regex(STREAM_NAME_PATTERN, 'is no name of a stream').optional(),
  shard: z
    .string()
    .regex(/^shardId-\d{12}$/, 'is no shard, such as shardId-000000000000')
    .optional(),
  /** The chance of each entry or request; 1 unless told otherwise. */
  odds: z.number().min(0).max(1).optional(),
  /** From when to when, counted from the moment at which the faults were set. */
  fromMs: z.int().min(0).optional(),
  untilMs: z.int().min(1).optional(),
}

/** Before the request acts and in its place, the default, or when it has acted. */
const when = { when: z.enum(['before', 'after']).optional() }

const variants = [
  z.strictObject({ kind: z.literal('throttle'), ...selectors }),
  z.strictObject({ kind: z.literal('internal-failure'), ...selectors, ...when }),
  z.strictObject({
    kind: z.literal('server-error'),
    ...selectors,
    ...when,
    /** 500 unless told otherwise. */
    status: z.int().min(STATUS_MIN).max(STATUS_MAX).optional(),
  }),
  z.strictObject({
    kind: z.literal('latency'),
    ...selectors,
    ...when,
    latencyMs: z.int().min(0).max(LATENCY_MAX_MS),
    /** At most that much on top, drawn for each request; 0 unless told otherwise. */
    jitterMs: z.int().min(0).max(LATENCY_MAX_MS).optional(),
  }),
  z.strictObject({ kind: z.literal('cut'), ...selectors, ...when }),
  z.strictObject({ kind: z.literal('expired-signature'), ...selectors }),
  z.strictObject({
    kind: z.literal('clock-skew'),
    ...selectors,
    /** How far the service's clock is ahead; below 0 it is behind. */
    skewMs: z.int().min(-DAY_MS).max(DAY_MS),
  }),
  z.strictObject({ kind: z.literal('access-denied'), ...selectors }),
] as const

export type Fault = Readonly<z.infer<(typeof variants)[number]>>
export type FaultKind = Fault['kind']

export const FAULT_KINDS = variants.map(({ shape }) => shape.kind.value)

const faultSchema = z
  .discriminatedUnion('kind', variants, {
    error: ({ code }) =>
      code === 'invalid_union' ? `allowed are ${FAULT_KINDS.join(', ')}` : undefined,
  })
  .superRefine(({ fromMs = 0, untilMs }, context) => {
    if (untilMs === undefined || untilMs > fromMs) return
    const message = 'is not after fromMs: the fault would never strike'
    context.addIssue({ code: 'custom', path: ['untilMs'], message })
  })

export const faultsField: Field<readonly Fault[]> = shaped({
  default: [],
  schema: z.array(faultSchema).max(FAULTS_MAX_COUNT),
  allowed: 'a list of { kind, action, stream, shard, odds, fromMs, untilMs, … }',
  says: 'What [goes wrong](embedded-kinesis.md#faults-on-request) on request.',
})

/**
 * The faults of `{ faults: […] }`, from a body or a program. Throws a `ConfigError` that names
 * every problem; `from` is where they are said to stand.
 */
export function parseFaults(document: unknown, from: string): readonly Fault[] {
  const { faults = null } = Object(document) as { faults?: unknown }
  if (faults === null) {
    throw new ConfigError([{ path: 'faults', where: from, message: 'missing' }])
  }
  const overrides = document as { faults: readonly Fault[] }
  return readConfig({ faults: faultsField }, { overrides, overridesFrom: from }).faults
}

/** Faults that strike single entries of PutRecords. */
export type EntryFault = Extract<Fault, { kind: 'throttle' | 'internal-failure' }>

export function isEntryFault(fault: Fault): fault is EntryFault {
  return fault.kind === 'throttle' || fault.kind === 'internal-failure'
}

/** Whether it strikes when the request has acted. */
export function isAfter(fault: Fault): boolean {
  return 'when' in fault && fault.when === 'after'
}
