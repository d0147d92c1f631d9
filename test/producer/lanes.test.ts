// Which records will land together, for those who keep records back until there is room.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { laneBaseOf, laneOf } from '../../src/producer/lane-number.ts'
import { NO_SHARD, UserRecord } from '../../src/record/index.ts'
import { line } from './line.ts'
import { evenShards } from './scripted-service.ts'

function recordOf(partitionKey: string, stream = 's') {
  const data = Buffer.from('data')
  return new UserRecord({ stream, partitionKey, data, onSettle() {} })
}

test('records of one shard have one lane, of different shards different ones', async () => {
  const { producer, put, runFor } = line({ shards: evenShards(4) })
  put('first', 'x')
  await runFor(10)

  const lanes = Array.from({ length: 200 }, (_, i) => producer.laneOf(recordOf(`key-${i}`)))

  assert.equal(new Set(lanes).size, 4)
  assert.equal(producer.laneOf(recordOf('key-7')), lanes[7])
})

test('a stream has one lane until its shards are known, and its own', async () => {
  const { producer, put } = line({ shards: evenShards(4) })

  const lanes = ['a', 'b', 'c'].map((key) => producer.laneOf(recordOf(key)))
  put('first', 'x')
  lanes.push(producer.laneOf(recordOf('d')))

  assert.equal(new Set(lanes).size, 1)
  assert.notEqual(producer.laneOf(recordOf('a', 'other')), lanes[0])
})

test('a lane is a whole number that a double holds, of whichever stream and shard', () => {
  const streams = Array.from({ length: 100 }, (_, i) => `stream-${i}`)
  const bases = streams.map(laneBaseOf)
  for (const base of bases) {
    for (const shard of [NO_SHARD, 0, 2 ** 21 - 2, 2 ** 21, 2 ** 31 - 1]) {
      const lane = laneOf(base, shard)
      assert.ok(Number.isSafeInteger(lane) && lane >= 0, `${lane}`)
      assert.ok(lane >= base && lane < base + 2 ** 21, 'and none of another stream')
    }
  }
  assert.equal(new Set(bases).size, streams.length)
})

test('it is told when the shards are known, and when they have changed, and no more', async () => {
  const { producer, service, put, runFor } = line({ shards: evenShards(2) })
  let toldCount = 0
  producer.onLanesChanged(() => toldCount++)
  put('first', 'x')
  await runFor(500)
  assert.equal(toldCount, 1)

  service.shards = evenShards(4).map((shard) => ({ ...shard, number: shard.number + 2 }))
  for (let i = 0; i < 20; i++) put(`key-${i}`, 'x')
  await runFor(5_000)

  assert.equal(toldCount, 2)

  // The map is fetched anew for its age, and is the same.
  const { listShardsCount } = service
  await runFor(600_000)
  put('later', 'x')
  await runFor(1000)
  assert.equal(service.listShardsCount, listShardsCount + 1)
  assert.equal(toldCount, 2)
})
