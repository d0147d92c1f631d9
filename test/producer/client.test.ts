// One call by itself: its time, its answers, and whether it goes at all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpAnswer, HttpRequest, NoAnswer } from '../../src/host/index.ts'
import { type Call, Client, type ClientConfig, type Outcome } from '../../src/producer/client.ts'
import { CredentialsKeeper } from '../../src/producer/credentials.ts'
import { HandClock } from '../hand-clock.ts'
import { runFor } from './line.ts'

const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
const JSON_TYPE = ['content-type', 'application/x-amz-json-1.1']
const CONFIG: ClientConfig = {
  endpoint: 'http://kinesis.test',
  region: 'us-east-1',
  wireFormat: 'cbor',
  maxConnections: 1,
  signing: 'late',
  requestTimeoutMs: 6000,
}

interface Asked {
  readonly type: string
  readonly atMs: number
  readonly deadlineAtMs: number
}

/** A client whose requests are answered after 100 ms. */
function calling(answer: (asked: Asked) => HttpAnswer | NoAnswer, settings = {}) {
  const clock = new HandClock()
  const asked: Asked[] = []
  const exchange = async ({ headers }: HttpRequest, deadlineAtMs: number) => {
    const type = headers[headers.indexOf('content-type') + 1]!
    asked.push({ type, atMs: clock.monotonicMs(), deadlineAtMs })
    await new Promise<void>((resolve) => clock.schedule(clock.monotonicMs() + 100, resolve))
    return answer(asked.at(-1)!)
  }
  const keeper = new CredentialsKeeper(clock, () => Promise.resolve(KEYS))
  const client = new Client({ clock, network: { exchange } }, { ...CONFIG, ...settings }, keeper)
  const outcomes: Outcome[] = []
  const call = (
    encode: Call['encode'] = (_buffer, format) => Buffer.from(format),
    sizeBytes = 0,
  ) => {
    const done = (outcome: Outcome) => outcomes.push(outcome)
    client.call({ action: 'PutRecords', sizeBytes, encode, done })
  }
  return { client, call, asked, outcomes, runFor: (ms: number) => runFor(clock, ms) }
}

const OK = { status: 200, headers: JSON_TYPE, body: '{}' }

test('what is tried again in the other format has only what is left of its time', async () => {
  const { call, asked, outcomes, runFor } = calling(({ type }) =>
    type.includes('cbor') ? { status: 415, headers: [], body: '' } : OK,
  )
  await runFor(1000)
  call()
  await runFor(1000)

  assert.deepEqual(
    asked.map(({ atMs, deadlineAtMs }) => [atMs, deadlineAtMs]),
    [
      [1000, 7000],
      [1100, 7000],
    ],
  )
  assert.ok(outcomes.length === 1 && 'body' in outcomes[0]!)
})

test('what is not worth sending, at first or in the other format, leaves its connection to the next', async () => {
  const { client, call, asked, outcomes, runFor } = calling(({ type }) =>
    type.includes('cbor') ? { status: 415, headers: [], body: '' } : OK,
  )
  call(() => null)
  call((_buffer, format) => (format === 'json' ? null : Buffer.from(format)))
  call()
  await runFor(1000)

  assert.deepEqual(
    asked.map(({ type, atMs }) => [type.includes('cbor'), atMs]),
    [
      [true, 0],
      [true, 100],
      [false, 200],
    ],
  )
  assert.equal(outcomes.length, 1)
  assert.equal(client.underWayCount, 0)
})

test('an answer of any status but 200 is a refusal; from 500 on it may be written', async () => {
  for (const [status, mayBeWritten] of [
    [204, false],
    [302, false],
    [499, false],
    [500, true],
    [503, true],
  ] as const) {
    const { call, outcomes, runFor } = calling(() => ({ status, headers: [], body: '' }))
    call()
    await runFor(1000)

    const [outcome] = outcomes
    assert.ok(outcome !== undefined && 'code' in outcome, `${status}`)
    assert.equal(outcome.code, `Http${status}`)
    assert.equal(outcome.mayBeWritten, mayBeWritten, `${status}`)
  }
})

test('what has not been sent is not sent after all once it is given up', async () => {
  const { client, call, asked, outcomes, runFor } = calling(() => OK)
  for (let i = 0; i < 3; i++) call()
  await runFor(50)
  assert.deepEqual([client.underWayCount, client.waitingCount], [1, 2])

  client.abandon()
  await runFor(1000)

  assert.deepEqual([client.underWayCount, client.waitingCount], [0, 0])
  assert.deepEqual([asked.length, outcomes.length], [1, 1])
})

test('answers and timeouts tell what the line carries, a connection that is lost does not', async () => {
  const boundAfter = async (answer: HttpAnswer | NoAnswer) => {
    const { client, call, runFor } = calling(() => answer)
    call(undefined, 500_000)
    await runFor(1000)
    return client.inFlight.boundBytes
  }
  const nothing = { message: '', mayBeWritten: true }
  assert.equal(await boundAfter(OK), 525_000 + 500_000)
  assert.equal(await boundAfter({ noAnswer: 'timed-out', ...nothing }), 125_000)
  assert.equal(await boundAfter({ noAnswer: 'connection-lost', ...nothing }), 525_000)
})

test("only the KPL's way has no bound of bytes under way", () => {
  assert.equal(calling(() => OK).client.inFlight.boundBytes, 525_000)
  assert.equal(calling(() => OK, { signing: 'early' }).client.inFlight.boundBytes, Infinity)
})
