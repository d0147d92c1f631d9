// The gateway's settings.

import { z } from 'zod'
import { choice, type Fields, integer, integerOr, type Parsed, shaped } from '../config/index.ts'
import { STREAM_NAME_PATTERN } from '../record/index.ts'
import { parsePointer } from './pointer.ts'

/** What an answer means; `durable` needs the spool. */
export const ACKS = ['accepted', 'durable', 'delivered'] as const
export type Ack = (typeof ACKS)[number]

/** A token of RFC 9110: what may name a header. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** One part of a path, as it is: no slash, no escapes. */
const RESOURCE_NAME = /^[A-Za-z0-9._~-]{1,128}$/

const MAPPINGS_MAX_COUNT = 10_000

/** Looks even where something else is wrong, so that all problems are told at once. */
const ALWAYS = { when: () => true }
type Unchecked<T> = { readonly [K in keyof T]?: unknown }

const QUOTA_MAX = 1_000_000_000
const rate = z.int().min(1).max(QUOTA_MAX).optional()
const quotaSchema = z.strictObject({ recordsPerSecond: rate, bytesPerSecond: rate })

/** Where something is in a request. */
const placeFields = { location: z.enum(['header', 'body']), specification: z.string() }

export type FieldPlace = z.infer<z.ZodObject<typeof placeFields>>

function checkPlace(
  { location, specification }: Unchecked<FieldPlace>,
  context: z.RefinementCtx,
): void {
  if (typeof specification !== 'string' || (location !== 'header' && location !== 'body')) return
  const isGood =
    location === 'header' ? HEADER_NAME.test(specification) : parsePointer(specification) !== null
  if (isGood) return
  const message =
    location === 'header'
      ? 'is no header name'
      : 'is no JSON pointer (RFC 6901): empty, or /a/b with ~0 for ~ and ~1 for /'
  context.addIssue({ code: 'custom', path: ['specification'], message })
}

const mappingSchema = z
  .strictObject({
    resource: z.string().regex(RESOURCE_NAME, 'allowed are letters, digits and . _ ~ -'),
    stream: z
      .string()
      .regex(STREAM_NAME_PATTERN, 'allowed are 1 to 128 of letters, digits and _ . -'),
    ...placeFields,
    recordId: z.strictObject(placeFields).superRefine(checkPlace, ALWAYS).optional(),
    ack: z.enum(ACKS).optional(),
    quota: quotaSchema.optional(),
  })
  .superRefine(checkPlace, ALWAYS)

export type Mapping = z.infer<typeof mappingSchema>

const mappingsSchema = z
  .array(mappingSchema)
  .max(MAPPINGS_MAX_COUNT)
  .superRefine((mappings: unknown, context) => {
    if (!Array.isArray(mappings)) return
    const seen = new Set<unknown>()
    for (const [index, mapping] of mappings.entries()) {
      const resource: unknown = mapping?.resource
      if (resource === undefined) continue
      if (seen.has(resource)) {
        const message = 'is mapped twice'
        context.addIssue({ code: 'custom', path: [index, 'resource'], message })
      }
      seen.add(resource)
    }
  }, ALWAYS)

/** Those of the service whose experiments the lab repeats. */
const DEFAULT_MAPPINGS: Mapping[] = [
  { resource: 's1', stream: 's1', location: 'header', specification: 'S1KEY' },
  { resource: 's2', stream: 's2', location: 'body', specification: '/foo/foopart1' },
]

export const gatewayFields = {
  mappings: shaped({
    default: DEFAULT_MAPPINGS,
    schema: mappingsSchema,
    allowed:
      'a list of { resource, stream, location: header or body, specification, ' +
      'recordId: { location, specification }, ack, quota: { recordsPerSecond, bytesPerSecond } }',
    says:
      'For each `/mappedIngest/{resource}`: its stream, the header or JSON pointer that holds the partition key, ' +
      'the one that holds the id by which a record that comes again is known, and how much may come in a second.',
  }),
  ack: {
    default: choice(ACKS, {
      default: 'durable',
      says: 'What an answer means where neither the request nor the mapping says it; `delivered` where there is no spool.',
    }),
    deliveredTimeoutMs: integer({
      default: 60_000,
      min: 1,
      max: 3_600_000,
      unit: 'ms',
      says: 'How long a request waits for delivery before it is answered 202 `pending`.',
    }),
  },
  backpressure: {
    threshold: integerOr(['none'], {
      default: 'none',
      min: 1,
      max: 100_000_000,
      unit: 'records',
      env: 'BACKPRESSURE_BUFFER_THRESHOLD',
      says: 'Records that entered and are not settled, from which on a new one waits; 10 000 where there is no spool.',
    }),
    maxWaitMs: integer({
      default: 5000,
      min: 0,
      max: 600_000,
      unit: 'ms',
      says: 'Longest wait in line, first in, first out; then 503.',
    }),
    maxWaiting: integer({
      default: 10_000,
      min: 0,
      max: 10_000_000,
      unit: 'records',
      says: 'Longest line; one more is refused at once.',
    }),
    strategy: choice(['wait', 'reject', 'none'], {
      default: 'wait',
      says: 'Above the threshold: wait in line, refuse at once, or let everything in (for experiments).',
    }),
  },
  memory: {
    maxBytes: integer({
      default: 256 * 1024 * 1024,
      min: 1024 * 1024,
      max: 2 ** 40,
      unit: 'bytes',
      says: 'Bytes that records hold in memory at every stage; `spool.windowBytes`, at most half of it, is for those that the spool has handed on.',
    }),
  },
  admission: {
    maxOpenRequests: integer({
      default: 20_000,
      min: 1,
      max: 1_000_000,
      says: 'Requests that wait for their body or their answer at once; one more is refused.',
    }),
    maxOldestAgeMs: integerOr(['none'], {
      default: 'none',
      min: 1,
      max: 10_000_000_000,
      unit: 'ms',
      says: 'Age of the oldest record in the spool, from which on no new one is taken.',
    }),
  },
  record: {
    maxBytes: integer({
      default: 1024 * 1024,
      min: 1024,
      max: 10 * 1024 * 1024,
      unit: 'bytes',
      says: 'Largest record, data and partition key; a stream takes 1 MiB unless it is set to more.',
    }),
  },
} satisfies Fields

export type GatewayConfig = Parsed<typeof gatewayFields>

/** The defaults where there is no spool, which stand in the place of those of the table. */
export const WITHOUT_SPOOL = {
  ack: { default: 'delivered' },
  backpressure: { threshold: 10_000 },
} as const
