import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Call, Outcome } from '../../src/producer/client.ts'
import { KinesisRecord } from '../../src/producer/kinesis-record.ts'
import { type Exchange, Sender } from '../../src/producer/sender.ts'
import { UserRecord } from '../../src/record/index.ts'
import { RequestBuffer } from '../../src/wire/index.ts'
import { HandClock } from '../hand-clock.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const ANSWER = '{"Records":[{"SequenceNumber":"1","ShardId":"shardId-000000000000"}]}'
const REFUSAL = { code: 'InternalFailure', message: '', mayBeWritten: true }

/** A request whose call somebody keeps, as Node's own objects of a request may for a while. */
class KeptRequest {
  readonly #calls: Call[] = []
  readonly record: WeakRef<UserRecord>

  constructor() {
    const sender = new Sender(
      new HandClock(),
      {
        stream: 's',
        client: { call: (call) => this.#calls.push(call) },
        config: { isExpiredSent: false },
      },
      { ended: () => {}, expired: () => assert.fail() },
    )
    const data = Buffer.from('data')
    const record = new UserRecord({ stream: 's', partitionKey: 'k', data, onSettle() {} })
    record.arrival = { ...record.arrival, expiresAtMs: Number.POSITIVE_INFINITY }
    sender.put([new KinesisRecord([record], data.length, 0)])
    this.record = new WeakRef(record)
  }

  encode(): Buffer | null {
    return this.#calls[0]!.encode(new RequestBuffer(), 'cbor')
  }

  end(outcome: Outcome): void {
    this.#calls[0]!.done(outcome)
  }
}

async function isHeld({ record }: KeptRequest): Promise<boolean> {
  // A weak reference that was made or asked holds on until the turn is over.
  await nextTurn()
  collectGarbage()
  return record.deref() !== undefined
}

for (const [how, outcome] of [
  ['was answered', { format: 'json', body: Buffer.from(ANSWER) }],
  ['failed', REFUSAL],
] as const) {
  test(`a request that ${how} lets go of its records, whoever still holds it`, async () => {
    const request = new KeptRequest()
    assert.notEqual(request.encode(), null)
    assert.equal(await isHeld(request), true)

    request.end(outcome)

    assert.equal(await isHeld(request), false)
  })
}

/** Calls and ends of requests with records of so many bytes each, and what expired of them. */
function sending(recordBytes: readonly number[], expiresAtMs = 100) {
  const clock = new HandClock()
  const calls: Call[] = []
  const exchanges: Exchange[] = []
  const expired: KinesisRecord[] = []
  const sender = new Sender(
    clock,
    {
      stream: 's',
      client: { call: (call) => calls.push(call) },
      config: { isExpiredSent: false },
    },
    { ended: (exchange) => exchanges.push(exchange), expired: (record) => expired.push(record) },
  )
  const records = recordBytes.map((bytes, i) => {
    const data = Buffer.alloc(bytes - 1)
    const record = new UserRecord({ stream: 's', partitionKey: 'k', data, onSettle() {} })
    record.arrival = { ...record.arrival, expiresAtMs: expiresAtMs + i }
    return new KinesisRecord([record], data.length, 0)
  })
  sender.put(records)
  return { clock, sender, call: calls[0]!, exchanges, expired, records }
}

test('of a request its first records are taken, up to so many bytes and one at least', () => {
  const { clock, call, exchanges, records } = sending([40, 60, 30, 200, 10])
  assert.equal(call.sizeBytes, 340)

  clock.advanceBy(20)
  const first = call.part!(100)
  const second = call.part!(99)
  const third = call.part!(99)

  const sizes = [first, second, third, call].map(({ sizeBytes }) => sizeBytes)
  assert.deepEqual(sizes, [100, 30, 200, 10])
  assert.equal(call.part!(10), call, 'what is left goes whole')
  for (const one of [call, first, third, second]) one.done(REFUSAL)
  assert.deepEqual(
    exchanges.map((exchange) => exchange.records.map((record) => records.indexOf(record))),
    [[4], [0, 1], [3], [2]],
  )
  assert.ok(exchanges.every(({ startAtMs, endAtMs }) => startAtMs === 0 && endAtMs === 20))
})

test('what has expired when its turn comes is not sent, and belongs to the sender no more', () => {
  const { clock, sender, call, exchanges, expired, records } = sending([10, 10])
  clock.advanceTo(101)
  assert.notEqual(call.encode(new RequestBuffer(), 'json'), null)
  assert.deepEqual(expired, [records[0]])
  clock.advanceTo(102)

  assert.equal(call.encode(new RequestBuffer(), 'json'), null, 'in the other format')

  assert.deepEqual(expired, records)
  assert.deepEqual(sender.abandon(), [])
  assert.deepEqual(exchanges, [])
})

test('what was given up is told as sent if it was, and an answer that comes later is none', () => {
  for (const isSent of [false, true]) {
    const { sender, call, exchanges, records } = sending([10])
    if (isSent) call.encode(new RequestBuffer(), 'json')

    assert.deepEqual(sender.abandon(), [{ record: records[0], mayBeWritten: isSent }])

    assert.deepEqual(sender.abandon(), [])
    assert.equal(call.encode(new RequestBuffer(), 'json'), null)
    call.done(REFUSAL)
    assert.deepEqual(exchanges, [])
  }
})

test('after an answer that cannot be read, the records may be written', () => {
  const { call, exchanges } = sending([10])
  call.done({ format: 'json', body: Buffer.from('nonsense') })
  const { result } = exchanges[0]!
  assert.ok('code' in result)
  assert.deepEqual([result.code, result.mayBeWritten], ['UnreadableAnswer', true])
})
