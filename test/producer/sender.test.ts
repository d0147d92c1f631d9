import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Call, Outcome } from '../../src/producer/client.ts'
import { KinesisRecord } from '../../src/producer/kinesis-record.ts'
import { Sender } from '../../src/producer/sender.ts'
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
