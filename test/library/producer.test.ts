import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KinesisProducer, type UserRecordInput } from '../../src/library/producer.ts'

const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'secret' }

test('what no stream would take is thrown at once, and nothing is sent', async () => {
  const credentials = () => Promise.resolve(KEYS)
  const producer = new KinesisProducer({ endpoint: 'http://127.0.0.1:9', credentials })
  const good = { stream: 's', partitionKey: 'k', data: 'v' }
  const add = (wrong: object) => () =>
    producer.addUserRecord({ ...good, ...wrong } as unknown as UserRecordInput)
  const wrongTypes = [
    { stream: undefined },
    { stream: 5 },
    { partitionKey: 5 },
    { partitionKey: undefined },
    { explicitHashKey: 5 },
    { data: 5 },
    { data: null },
    { data: [1, 2, 3] },
    { data: new ArrayBuffer(4) },
    { data: new Uint16Array(2) },
  ]
  for (const wrong of wrongTypes) assert.throws(add(wrong), TypeError, JSON.stringify(wrong))
  const outOfRange = [
    { stream: '' },
    { stream: 'a b' },
    { stream: 'x'.repeat(129) },
    { partitionKey: '' },
    { partitionKey: 'k'.repeat(257) },
    { partitionKey: '\ud800' },
    { explicitHashKey: String(2n ** 128n) },
    { explicitHashKey: '-1' },
    { data: Buffer.alloc(1024 * 1024) },
  ]
  for (const wrong of outOfRange) assert.throws(add(wrong), RangeError, JSON.stringify(wrong))

  assert.equal(producer.outstandingRecordsCount, 0)
  assert.equal(await producer.close({ deadlineMs: 0 }), 0)
})
