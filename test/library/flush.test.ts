import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startKinesis } from '../../src/library/kinesis.ts'
import { KinesisProducer } from '../../src/library/producer.ts'

test('what hangs on the promise of a record has run when flush and close resolve', async () => {
  const kinesis = await startKinesis({ streams: { s: 1 } })
  const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
  const producer = new KinesisProducer({ endpoint: kinesis.endpoint, credentials })
  const told: unknown[] = []
  const add = (stream: string) => {
    producer
      .addUserRecord({ stream, partitionKey: 'k', data: 'v' })
      .then(({ shardId }) => shardId)
      .catch((error) => error.code)
      .then((result) => told.push(result))
  }

  add('s')
  await producer.flush()
  assert.deepEqual(told, ['shardId-000000000000'])
  add('nowhere')
  await producer.flush('nowhere')
  assert.deepEqual(told.splice(1), ['ResourceNotFoundException'])
  add('s')
  assert.equal(await producer.close({ deadlineMs: 0 }), 1)
  assert.deepEqual(told.splice(1), ['Closed'])
  await kinesis.close()
})

test('a promise that was rejected meanwhile can be awaited behind flush', async () => {
  const kinesis = await startKinesis({ streams: { s: 1 } })
  const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
  const producer = new KinesisProducer({ endpoint: kinesis.endpoint, credentials })

  const results = Array.from({ length: 100 }, (_, i) => {
    return producer.addUserRecord({ stream: 'nowhere', partitionKey: `k${i}`, data: 'v' })
  })
  await producer.flush()
  const settled = await Promise.allSettled(results)

  assert.ok(settled.every(({ status }) => status === 'rejected'))
  await producer.close({ deadlineMs: 0 })
  await kinesis.close()
})
