// What we refuse and why: RFC 9457 problem documents with codes that do not change.

import type { HttpAnswer } from '../host/index.ts'

interface ProblemKind {
  readonly status: number
  readonly title: string
}

/** Every code that an answer can carry. */
export const PROBLEMS = {
  'bad-request': { status: 400, title: 'This is no HTTP request' },
  'body-not-json': { status: 400, title: 'The body is no JSON' },
  'no-mapping': { status: 400, title: 'Nothing is mapped to this resource' },
  'ack-unknown': { status: 400, title: 'There is no such level of acknowledgement' },
  'ack-unavailable': { status: 400, title: 'This level of acknowledgement is not available here' },
  'filter-invalid': { status: 400, title: 'This is no filter' },
  'filter-missing': { status: 400, title: 'What is meant has to be said' },
  'token-needed': { status: 401, title: 'Who asks here has to have the token' },
  'origin-refused': { status: 403, title: 'This is not asked from a browser' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'receipt-unknown': { status: 404, title: 'There is no such receipt' },
  'dead-letter-not-found': { status: 404, title: 'There is no such dead letter' },
  'method-not-allowed': { status: 405, title: 'Another method is needed' },
  'request-timeout': { status: 408, title: 'The request came too slowly' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'transaction-too-large': {
    status: 413,
    title: 'The records of the request are too large together',
  },
  'record-too-large': { status: 413, title: 'The record is too large' },
  'unsupported-media-type': { status: 415, title: 'Only JSON is taken here' },
  'body-too-deep': { status: 422, title: 'The body is nested too deeply' },
  'key-not-found': { status: 422, title: 'The partition key is not there' },
  'key-not-scalar': { status: 422, title: 'The partition key is no text, number or boolean' },
  'key-invalid': { status: 422, title: 'This cannot be a partition key' },
  'record-id-not-found': { status: 422, title: 'The id of the record is not there' },
  'record-id-not-scalar': { status: 422, title: 'The id of the record is no text or number' },
  'record-id-invalid': { status: 422, title: 'This cannot be the id of a record' },
  'stream-name-invalid': { status: 422, title: 'This cannot be a stream name' },
  'data-not-specified': { status: 422, title: 'There is no data' },
  'data-invalid': { status: 422, title: 'This cannot be data' },
  'stream-not-found': { status: 422, title: 'There is no such stream' },
  'idempotency-key-invalid': { status: 400, title: 'This cannot be an idempotency key' },
  'idempotency-unavailable': {
    status: 400,
    title: 'Idempotency keys and record ids are not kept here',
  },
  'idempotency-running': {
    status: 409,
    title: 'A request with this key or record id is under way',
  },
  'idempotency-mismatch': {
    status: 422,
    title: 'This key or record id was used for another request',
  },
  'expectation-failed': { status: 417, title: 'Only 100-continue can be expected' },
  'record-refused': { status: 422, title: 'Kinesis refuses the record' },
  'head-too-large': { status: 431, title: 'The headers are too large' },
  'quota-exceeded': { status: 429, title: 'More than your quota' },
  'dead-lettered': { status: 503, title: 'The record could not be delivered, and is kept' },
  'delivery-failed': { status: 503, title: 'The record could not be delivered' },
  'back-pressure': { status: 503, title: 'Too many records are outstanding' },
  'memory-full': { status: 503, title: 'Too many bytes are outstanding' },
  'dead-letters-failed': { status: 503, title: 'The disk of the dead letters fails' },
  'process-away': { status: 503, title: 'A process of the gateway is away' },
  'too-many-requests-open': { status: 503, title: 'Too many requests wait for an answer' },
  'backlog-too-old': { status: 503, title: 'Records wait for too long already' },
  'spool-full': { status: 503, title: 'The spool is full' },
  'disk-full': { status: 503, title: 'The disk is full' },
  'disk-failed': { status: 503, title: 'The disk fails' },
  'sync-failed': { status: 503, title: 'The disk did not confirm the record' },
  draining: { status: 503, title: 'The gateway is stopping' },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof PROBLEMS

export interface ProblemOptions {
  /** Whole seconds; every 429 and 503 has it. */
  readonly retryAfterSeconds?: number
  /** More members of the document. */
  readonly more?: Readonly<Record<string, unknown>>
  readonly headers?: readonly string[]
}

export type ProblemAnswer = HttpAnswer & { readonly code: ProblemCode }

/** The answer for a problem; `detail` says what was found and what to do. */
export function problem(
  code: ProblemCode,
  detail: string,
  { retryAfterSeconds, more, headers = [] }: ProblemOptions = {},
): ProblemAnswer {
  const { status } = PROBLEMS[code]
  const retryAfter =
    retryAfterSeconds === undefined ? [] : ['retry-after', String(retryAfterSeconds)]
  return {
    code,
    status,
    headers: ['content-type', 'application/problem+json', ...retryAfter, ...headers],
    body: documentOf(code, detail, more),
  }
}

/**
 * The last document of each code that says nothing beside it: under load the same one is said
 * thousands of times a second.
 */
const lastDocuments = new Map<ProblemCode, { readonly detail: string; readonly text: string }>()

function documentOf(code: ProblemCode, detail: string, more: ProblemOptions['more']): string {
  const last = lastDocuments.get(code)
  if (more === undefined && last?.detail === detail) return last.text
  const type = `urn:headgate:problem:${code}`
  const { title, status } = PROBLEMS[code]
  const text = JSON.stringify({ type, title, status, detail, code, ...more })
  if (more === undefined) lastDocuments.set(code, { detail, text })
  return text
}

const BAD_REQUEST_CODES = {
  400: ['bad-request', 'What came is no valid HTTP/1.1 request, or was cut off.'],
  408: ['request-timeout', 'Head and body must come within their time limits.'],
  417: ['expectation-failed', 'Expect may be 100-continue, nothing else.'],
  431: ['head-too-large', 'The request line and the headers together are too long.'],
} as const

/** The answer to what never became a request. */
export function badRequest(status: keyof typeof BAD_REQUEST_CODES): HttpAnswer {
  const [code, detail] = BAD_REQUEST_CODES[status]
  return problem(code, detail)
}

/** 405, with what is allowed. */
export function methodNotAllowed(method: string, allowed: string): HttpAnswer {
  const detail = `${method} is not allowed here; ${allowed} is.`
  return problem('method-not-allowed', detail, { headers: ['allow', allowed] })
}
