// The producer as the end of Node's streams, over real sockets.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type TestContext, test } from 'node:test'
import { startKinesis } from '../../src/library/kinesis.ts'
import {
  KinesisProducer,
  type KinesisProducerOptions,
  UserRecordFailedError,
  type UserRecordInput,
} from '../../src/library/producer.ts'

async function running(t: TestContext, options: KinesisProducerOptions = {}) {
  const kinesis = await startKinesis({ streams: { s: 2 } })
  const credentials = () => Promise.resolve({ accessKeyId: 'AKID', secretAccessKey: 'secret' })
  const producer = new KinesisProducer({ endpoint: kinesis.endpoint, credentials, ...options })
  t.after(async () => {
    await producer.close({ deadlineMs: 0 })
    await kinesis.close()
  })
  return producer
}

function record(i: number, stream = 's'): UserRecordInput {
  return { stream, partitionKey: `k${i}`, data: `v${i}` }
}

/** Streams of Node buffer so many objects each. */
const BUFFERED_MAX_COUNT = 16

test('a pipeline is as fast as there is room, and done when all has settled', async (t) => {
  const producer = await running(t, { maxOutstandingRecords: 10, recordMaxBufferedTime: 5 })
  let mostOutstanding = 0
  let mostAhead = 0
  let readCount = 0
  let deliveredCount = 0
  async function* source() {
    for (; readCount < 300; readCount++) {
      mostOutstanding = Math.max(mostOutstanding, producer.outstandingRecordsCount)
      deliveredCount = producer.getMetrics('UserRecordsPut')[0]?.sum ?? 0
      mostAhead = Math.max(mostAhead, readCount - deliveredCount)
      yield record(readCount)
    }
  }

  await pipeline(source, producer.writable())

  assert.equal(producer.outstandingRecordsCount, 0)
  assert.equal(producer.getMetrics('UserRecordsPut')[0]!.sum, 300)
  assert.equal(mostOutstanding, 10)
  assert.ok(mostAhead <= 10 + BUFFERED_MAX_COUNT + 1, `${mostAhead} were read ahead`)
})

test('the end of a stream does not wait for company', async (t) => {
  const producer = await running(t, { recordMaxBufferedTime: 600_000, recordTtl: 'none' })
  const source = Readable.from(Array.from({ length: 50 }, (_, i) => record(i)))
  await pipeline(source, producer.writable())
  assert.equal(producer.outstandingRecordsCount, 0)
  assert.equal(producer.getMetrics('UserRecordsPut')[0]!.sum, 50)
})

test('what is thrown for a failed record ends the stream though nothing more is written', async (t) => {
  const producer = await running(t, { recordMaxBufferedTime: 0 })
  const mine = new Error('mine')
  const writable = producer.writable({
    onFailed: () => {
      throw mine
    },
  })
  writable.on('error', () => {})
  await new Promise((resolve) => writable.write(record(0, 'nowhere'), resolve))

  await producer.flush()

  assert.equal(writable.errored, mine)
})

test('a record that is given up ends the stream with its error', async (t) => {
  const producer = await running(t, { recordMaxBufferedTime: 0 })
  const given = [record(0), record(1, 'nowhere')]
  let isSourceClosed = false
  async function* source() {
    try {
      yield* given
      for (let i = 2; ; i++) yield record(i)
    } finally {
      isSourceClosed = true
    }
  }

  const error = await pipeline(source, producer.writable()).catch((reason) => reason)

  assert.ok(error instanceof UserRecordFailedError)
  assert.equal(error.record, given[1])
  assert.equal(error.code, 'ResourceNotFoundException')
  assert.equal(error.result.isDelivered, false)
  assert.equal(error.result.attempts, error.attempts)
  assert.equal(isSourceClosed, true)
  await producer.flush()
  assert.ok(producer.getMetrics('UserRecordsPut')[0]!.sum > 0, 'what came before is delivered')
})

test('a failure after the end still ends the stream with its error', async (t) => {
  const producer = await running(t)
  const records = [record(0), record(1, 'nowhere')]
  await assert.rejects(pipeline(records, producer.writable()), /^UserRecordFailedError/)
  await assert.rejects(pipeline(records.slice(1), producer.writable()), /^UserRecordFailedError/)
})

test('who is told of failures goes on', async (t) => {
  const producer = await running(t)
  const failed: UserRecordInput[] = []
  const writable = producer.writable({ onFailed: (error) => failed.push(error.record) })
  const records = [record(0), record(1, 'nowhere'), record(2), record(3, 'nowhere')]

  await pipeline(records, writable)

  assert.deepEqual(failed, [records[1], records[3]])
  assert.equal(producer.outstandingRecordsCount, 0)
})

test('what no stream would take ends the stream, and what came before is delivered', async (t) => {
  const producer = await running(t, { recordMaxBufferedTime: 10_000 })
  const records = [record(0), { ...record(1), partitionKey: '' }, record(2)]

  const failed = pipeline(records, producer.writable({ onFailed: () => assert.fail() }))

  await assert.rejects(failed, RangeError)
  assert.equal(producer.outstandingRecordsCount, 1)
  await producer.flush()
  assert.equal(producer.getMetrics('UserRecordsPut')[0]!.sum, 1)
})

test('a stream that is destroyed while it waits adds nothing, and holds up nobody', async (t) => {
  const producer = await running(t, { maxOutstandingRecords: 1, recordMaxBufferedTime: 20 })
  const first = producer.addUserRecord(record(0))
  const writable = producer.writable()
  writable.write(record(1))
  writable.destroy()
  await once(writable, 'close')
  const next = producer.ready()

  await first
  await next

  assert.equal(producer.outstandingRecordsCount, 0)
  assert.equal(producer.getMetrics('UserRecordsReceived')[0]!.sum, 1)
})

test('a closed producer ends the stream', async (t) => {
  const producer = await running(t)
  await producer.close({ deadlineMs: 0 })
  const error = await pipeline([record(0)], producer.writable()).catch((reason) => reason)
  assert.equal(error.code, 'Closed')
})

test('a closed producer destroys the stream, and so does what onFailed throws', async (t) => {
  const producer = await running(t)
  const onFailed = (error: UserRecordFailedError) => {
    throw error
  }
  const failing = pipeline([record(0, 'nowhere')], producer.writable({ onFailed }))
  await assert.rejects(failing, { code: 'ResourceNotFoundException' })
  await producer.close({ deadlineMs: 0 })
  const onlyTold = producer.writable({ onFailed: () => {} })
  await assert.rejects(pipeline([record(1)], onlyTold), { name: 'ClosedError' })
})
