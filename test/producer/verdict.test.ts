// Every error that we know, and what becomes of a record.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorKind, kindOf, VERDICTS, verdictOf } from '../../src/producer/verdict.ts'
import { line } from './line.ts'

/** Error, status with which the service says it (0: it is a name of our own), action. */
const ROWS: [code: string, status: number, kind: ErrorKind][] = [
  ['ProvisionedThroughputExceededException', 400, 'throttled'],
  ['LimitExceededException', 400, 'throttled'],
  ['Throttling', 400, 'throttled'],
  ['ThrottlingException', 400, 'throttled'],
  ['TooManyRequestsException', 429, 'throttled'],
  ['RequestLimitExceeded', 400, 'throttled'],
  ['KMSThrottlingException', 400, 'throttled'],
  ['Http429', 429, 'throttled'],
  ['InternalFailure', 500, 'unknown outcome'],
  ['InternalFailureException', 500, 'unknown outcome'],
  ['InternalServerError', 500, 'unknown outcome'],
  ['ServiceUnavailable', 503, 'unknown outcome'],
  ['ServiceUnavailableException', 503, 'unknown outcome'],
  ['RequestTimeout', 0, 'unknown outcome'],
  ['RequestTimeoutException', 500, 'unknown outcome'],
  ['ConnectionLost', 0, 'unknown outcome'],
  ['Record Count Mismatch', 0, 'unknown outcome'],
  ['UnreadableAnswer', 0, 'unknown outcome'],
  ['ConnectFailed', 0, 'transient'],
  ['CredentialsError', 0, 'transient'],
  ['ResourceInUseException', 400, 'transient'],
  ['ExpiredNextTokenException', 400, 'transient'],
  ['ExpiredTokenException', 400, 'transient'],
  ['ExpiredToken', 403, 'transient'],
  ['UnrecognizedClientException', 400, 'transient'],
  ['InvalidClientTokenId', 403, 'transient'],
  ['IncompleteSignatureException', 400, 'transient'],
  ['IncompleteSignature', 400, 'transient'],
  ['MissingAuthenticationTokenException', 400, 'transient'],
  ['MissingAuthenticationToken', 403, 'transient'],
  ['InvalidSignatureException', 400, 'transient'],
  ['SignatureDoesNotMatch', 403, 'transient'],
  ['RequestExpired', 400, 'transient'],
  ['RequestTimeTooSkewed', 403, 'transient'],
  ['ValidationException', 400, 'invalid'],
  ['ValidationError', 400, 'invalid'],
  ['InvalidArgumentException', 400, 'invalid'],
  ['SerializationException', 400, 'invalid'],
  ['Http413', 413, 'invalid'],
  ['ResourceNotFoundException', 400, 'permanent'],
  ['AccessDeniedException', 400, 'permanent'],
  ['NotAuthorized', 400, 'permanent'],
  ['OptInRequired', 403, 'permanent'],
  ['UnknownOperationException', 400, 'permanent'],
  ['KMSAccessDeniedException', 400, 'permanent'],
  ['KMSDisabledException', 400, 'permanent'],
  ['KMSInvalidStateException', 400, 'permanent'],
  ['KMSNotFoundException', 400, 'permanent'],
  ['KMSOptInRequired', 400, 'permanent'],
  ['ExpiredIteratorException', 400, 'permanent'],
  ['DryRunOperationException', 400, 'permanent'],
]

/** Errors that the answer to a whole request can name; the first one of the table above is not. */
const OF_REQUESTS = ROWS.filter(([, status]) => status > 0)

async function runWith(script: ReturnType<typeof scriptOf>, putCount = 1) {
  const running = line({ settings: { recordTtl: 10_000, aggregationEnabled: false } })
  running.service.script = script
  for (let i = 0; i < putCount; i++) running.put(`k${i}`, 'v')
  await running.runFor(9000)
  const first = running.results[0]!
  return { first, codes: first.attempts.map(({ code }) => code), sent: running.service.sent.length }
}

/** Fails once, then stores. */
function scriptOf(verdict: { entryError: string } | { requestError: string; status: number }) {
  return (requestNumber: number) => (requestNumber === 0 ? verdict : ('store' as const))
}

test('the table has these rows and no others', () => {
  assert.deepEqual([...VERDICTS.keys()].toSorted(), ROWS.map(([code]) => code).toSorted())
  for (const [code, , kind] of ROWS) assert.equal(kindOf(code), kind, code)
})

for (const [code, status, kind] of OF_REQUESTS) {
  test(`a request refused with ${code} is ${kind}`, async () => {
    const { first, codes } = await runWith(scriptOf({ requestError: code, status }))
    const isFinal = kind === 'permanent' || kind === 'invalid'
    assert.deepEqual(codes, isFinal ? [code] : [code, null])
    assert.equal(first.isDelivered, !isFinal)
    assert.equal(first.attempts[0]!.mayBeWritten, kind === 'unknown outcome')
  })

  test(`an entry refused with ${code} is ${kind}`, async () => {
    const { first, codes, sent } = await runWith(scriptOf({ entryError: code }))
    const isFinal = kind === 'permanent' || kind === 'invalid'
    assert.deepEqual(codes, isFinal ? [code] : [code, null])
    assert.equal(sent, isFinal ? 1 : 2)
    assert.equal(first.attempts[0]!.mayBeWritten, kind === 'unknown outcome')
  })
}

test('what nobody has told us is tried again, and may have been written', async () => {
  assert.equal(kindOf('BrandNewException'), 'unknown outcome')
  const { codes, first } = await runWith(scriptOf({ entryError: 'BrandNewException' }))
  assert.deepEqual(codes, ['BrandNewException', null])
  assert.equal(first.attempts[0]!.mayBeWritten, true)
})

test('a refusal of a name that we do not know was not written', async () => {
  const { codes, first } = await runWith(scriptOf({ requestError: 'New', status: 400 }))
  assert.deepEqual(codes, ['New', null])
  assert.equal(first.attempts[0]!.mayBeWritten, false)
})

test('only what a signature is made of is renewed', () => {
  const renewed = ROWS.filter(([code]) => verdictOf(code).remedy !== null)
  assert.ok(
    renewed.every(
      ([code, , kind]) => kind === 'transient' && /Token|Sign|Client|Request/.test(code),
    ),
  )
  assert.equal(renewed.length, 12)
})
