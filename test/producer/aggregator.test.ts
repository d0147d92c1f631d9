// The aggregator by itself, where its shards change and where it must let go.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { silentLog } from '../../src/host/index.ts'
import { type AggregationMode, Aggregator } from '../../src/producer/aggregator.ts'
import type { Call, Client } from '../../src/producer/client.ts'
import type { KinesisRecord } from '../../src/producer/kinesis-record.ts'
import { ShardMap } from '../../src/producer/shard-map.ts'
import { StreamFacts } from '../../src/producer/stream-facts.ts'
import { hashKeyFromBigInt, UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'
import { middling } from './line.ts'
import { evenShards, shardIdOf } from './scripted-service.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const FAILED = { startAtMs: 0, endAtMs: 0, code: 'Any', message: '', mayBeWritten: false }
const HOST = { clock: new HandClock(), random: middling }

/** An aggregator of pairs, whose map is fetched when told. */
function pairs(shardCount: number, maxSizeBytes = 50_000, mode: AggregationMode = 'always') {
  let shards = evenShards(shardCount)
  const call = ({ done }: Call) => {
    const Shards = shards.map(({ number, start, end }) => ({
      ShardId: shardIdOf(number),
      HashKeyRange: { StartingHashKey: `${start}`, EndingHashKey: `${end}` },
      SequenceNumberRange: { StartingSequenceNumber: '1' },
    }))
    const body = Buffer.from(JSON.stringify({ Shards }))
    queueMicrotask(() => done({ format: 'json', body }))
  }
  const client = { call } as unknown as Client
  const map = new ShardMap(HOST, 's', client, { log: silentLog, maxAgeMs: null })
  const sent: KinesisRecord[] = []
  const aggregator = new Aggregator(
    HOST.clock,
    {
      shards: map,
      facts: new StreamFacts(HOST, 's', client, { askAgainMaxMs: 60_000, log: silentLog }),
    },
    { mode, maxCount: 2, maxSizeBytes },
    { put: (record) => sent.push(record) },
    () => {},
  )
  map.start({ isNeeded: () => true, moved() {}, listed() {} })
  /** At so many percent of the hash key space. */
  const put = (
    percent: number,
    { expiresAtMs = 30_000, partitionKey = `${percent}`, isAgain = false } = {},
  ) => {
    const explicitHashKey = hashKeyFromBigInt((BigInt(percent) << 128n) / 100n)
    const data = Buffer.from(`${percent}`)
    const fields = { stream: 's', partitionKey, explicitHashKey, data }
    const record = new UserRecord({ ...fields, onSettle() {} })
    const deadlineAtMs = Number.MAX_SAFE_INTEGER
    record.arrival = { ...record.arrival, deadlineAtMs, expiresAtMs }
    if (isAgain) record.addAttempt(FAILED)
    aggregator.put(record)
  }
  const split = async (into: number) => {
    shards = evenShards(into, shards.length)
    HOST.clock.advanceBy(1000)
    map.refresh()
    await nextTurn()
  }
  const members = () =>
    sent.map(({ predictedShard, userRecords }) => [
      predictedShard,
      ...userRecords.map(({ partitionKey }) => Number(partitionKey)),
    ])
  const abandon = () => aggregator.abandon().map(({ partitionKey }) => Number(partitionKey))
  return { map, put, split, sent, members, abandon, flush: () => aggregator.flush() }
}

test('what was gathered by one map is not joined with what comes by the next', async () => {
  const { put, split, members, flush } = pairs(2)
  await nextTurn()
  put(40)
  put(41, { isAgain: true })
  await split(4)

  // Nobody has told the aggregator yet; all were in the first place of their map.
  put(10)

  assert.deepEqual(members(), [])
  flush()
  assert.deepEqual(members(), [
    [2, 10],
    [3, 40],
    [3, 41],
  ])
})

test('a Kinesis record tells by which map it was gathered, whichever there is by now', async () => {
  const { map, put, split, sent, flush } = pairs(2)
  await nextTurn()
  const { version } = map
  put(10)
  put(20, { isAgain: true })
  await split(4)

  flush()

  assert.notEqual(map.version, version)
  assert.deepEqual(
    sent.map(({ mapVersion }) => mapVersion),
    [version, version],
  )
})

test('what goes again shares no Kinesis record with what is new', async () => {
  const { put, members, flush } = pairs(1)
  await nextTurn()

  put(1)
  put(2, { isAgain: true })
  assert.deepEqual(members(), [])
  put(3)
  put(4, { isAgain: true })

  flush()
  assert.deepEqual(members(), [
    [0, 1, 3],
    [0, 2, 4],
  ])
})

test('with another explicit hash key a key is another one', async () => {
  const { put, sent } = pairs(1, 50_000, 'same-key')
  await nextTurn()

  put(10, { partitionKey: '7' })
  put(60, { partitionKey: '7' })
  assert.equal(sent.length, 0)
  put(60, { partitionKey: '7' })

  assert.equal(sent.length, 1)
  assert.ok(sent[0]!.userRecords.every(({ data }) => data.toString() === '60'))
})

test('what a flush sends waits for no company, what comes after it does', async () => {
  const { put, sent, flush } = pairs(1)
  await nextTurn()
  put(1)
  put(2, { isAgain: true })
  flush()
  for (const percent of [3, 4]) put(percent)

  const nowMs = HOST.clock.monotonicMs()
  assert.deepEqual(
    sent.map(({ deadlineAtMs }) => deadlineAtMs),
    [nowMs, nowMs, Number.MAX_SAFE_INTEGER],
  )
})

test('what waits for the map, and what is gathered, is given back once', async () => {
  for (const mode of ['always', 'same-key'] as const) {
    const { put, sent, abandon, flush } = pairs(1, 50_000, mode)
    put(1)
    assert.deepEqual(abandon(), [1])
    assert.deepEqual(abandon(), [])
    await nextTurn()
    put(2)
    put(3, { isAgain: true })

    assert.deepEqual(abandon(), [2, 3])

    assert.deepEqual(abandon(), [])
    flush()
    assert.deepEqual(sent, [])
  }
})

test('ten thousand shards are filled from either end', async () => {
  const { put, members } = pairs(10_000)
  await nextTurn()

  for (const percent of [99, 0, 50, 99, 50, 0]) put(percent)

  assert.deepEqual(members(), [
    [9900, 99, 99],
    [5000, 50, 50],
    [0, 0, 0],
  ])
})

test('an aggregate expires with the first of its members, whichever it is', async () => {
  const { put, sent } = pairs(1)
  await nextTurn()

  put(1, { expiresAtMs: 500 })
  put(2, { expiresAtMs: 400 })
  put(3, { expiresAtMs: 900 })
  put(4, { expiresAtMs: 901 })

  assert.deepEqual(
    sent.map(({ expiresAtMs }) => expiresAtMs),
    [400, 900],
  )
})

test('what was trimmed from an aggregate does not make it expire', async () => {
  const { put, sent, flush } = pairs(1, 10)
  await nextTurn()

  put(1, { expiresAtMs: 500 })
  put(2, { expiresAtMs: 400 })
  flush()

  assert.deepEqual(
    sent.map(({ expiresAtMs }) => expiresAtMs),
    [500, 400],
  )
})

test('what has left the aggregator is not held by it', async () => {
  const { put, sent, flush } = pairs(1)
  await nextTurn()
  put(1)
  put(2)
  put(3)
  flush()
  const records = sent.flatMap(({ userRecords }) => userRecords).map((one) => new WeakRef(one))

  sent.length = 0
  await nextTurn()
  collectGarbage()

  assert.deepEqual(
    records.map((one) => one.deref()),
    [undefined, undefined, undefined],
  )
  // Still in use itself.
  put(4)
})

test('of a key that has nothing to send nothing is kept', async () => {
  const { put, sent, flush } = pairs(1, 50_000, 'same-key')
  await nextTurn()
  const fill = (from: number) => {
    for (let key = from; key < from + 8_000; key++) put(key % 100, { partitionKey: `key ${key}` })
    flush()
    assert.equal(sent.length, 8_000)
    sent.length = 0
    collectGarbage()
    return process.memoryUsage().heapUsed
  }

  const before = fill(0)
  const grownBytes = fill(8_000) - before

  // What gathers for a key takes half a kilobyte.
  assert.ok(grownBytes < 2_000_000, `${grownBytes} bytes`)
})
