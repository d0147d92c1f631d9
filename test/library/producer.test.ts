import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apart } from '../../src/library/apart.ts'
import { startKinesis } from '../../src/library/kinesis.ts'
import {
  ClosedError,
  KinesisProducer,
  type KinesisProducerOptions,
  UserRecordFailedError,
  type UserRecordInput,
} from '../../src/library/producer.ts'
import { throwingLog, uncaughtOf } from '../uncaught.ts'

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
    { data: undefined },
    { data: [1, 2, 3] },
    { data: new ArrayBuffer(4) },
    { data: new Uint16Array(2) },
    { data: new DataView(new ArrayBuffer(4)) },
    { data: new SharedArrayBuffer(4) },
  ]
  for (const wrong of wrongTypes) assert.throws(add(wrong), TypeError, JSON.stringify(wrong))
  const outOfRange = [
    { stream: '' },
    { stream: ' ' },
    { stream: 'a b' },
    { stream: 'x'.repeat(129) },
    { partitionKey: '' },
    { partitionKey: 'k'.repeat(257) },
    { partitionKey: '\ud800' },
    { explicitHashKey: String(2n ** 128n) },
    { explicitHashKey: '-1' },
    { explicitHashKey: '-01' },
    { explicitHashKey: '+' },
    { explicitHashKey: '+ 1' },
    { explicitHashKey: '' },
    { explicitHashKey: ' ' },
    { data: Buffer.alloc(1024 * 1024) },
    { data: 'half \ud83d' },
  ]
  for (const wrong of outOfRange) assert.throws(add(wrong), RangeError, JSON.stringify(wrong))

  assert.equal(producer.outstandingRecordsCount, 0)
  assert.equal(await producer.close({ deadlineMs: 0 }), 0)
})

test('what is just within the limits is taken', async () => {
  const credentials = () => Promise.resolve(KEYS)
  const producer = new KinesisProducer({ endpoint: 'http://127.0.0.1:9', credentials })
  const good = { stream: 's', partitionKey: 'k', data: 'v' }
  const within: Partial<UserRecordInput>[] = [
    { stream: 'x'.repeat(128) },
    { stream: 'azAZ09_.-' },
    { partitionKey: 'k' },
    { partitionKey: '\u{1f30a}'.repeat(256) },
    { explicitHashKey: '0' },
    { explicitHashKey: '007' },
    { explicitHashKey: null },
    { explicitHashKey: undefined },
    { explicitHashKey: String(2n ** 128n - 1n) },
    { data: '' },
    { data: new Uint8Array(0) },
    { data: new Uint8Array(new SharedArrayBuffer(4)) },
    { data: Buffer.from('a part').subarray(2, 6) },
    { data: Buffer.alloc(1024 * 1024 - 1) },
    { partitionKey: '\u{1f30a}'.repeat(256), data: Buffer.alloc(1024 * 1024 - 1024) },
  ]
  const added = within.map((one) =>
    producer.addUserRecord({ ...good, ...one }).catch((error) => error.code),
  )
  assert.equal(producer.outstandingRecordsCount, within.length)
  assert.equal(await producer.close({ deadlineMs: 0 }), within.length)
  assert.deepEqual(await Promise.all(added), Array(within.length).fill('Closed'))
})

async function running(options: KinesisProducerOptions = {}) {
  const kinesis = await startKinesis({ streams: { s: 2 } })
  const credentials = () => Promise.resolve(KEYS)
  const producer = new KinesisProducer({ endpoint: kinesis.endpoint, credentials, ...options })
  const stop = async () => {
    await producer.close({ deadlineMs: 1000 })
    await kinesis.close()
  }
  return { producer, stop }
}

test('spaces round names and hash keys, signs and no data are taken as the KPL takes them', async () => {
  const { producer, stop } = await running()
  const last = String(2n ** 128n - 1n)
  const shardOf = async (explicitHashKey: string, stream = 's') => {
    const record = { stream, partitionKey: ' k ', explicitHashKey, data: null }
    return Number((await producer.addUserRecord(record)).shardId.slice(-1))
  }

  const keys = [' 0 ', '+0', '-0', '007', `+${last}`, ` ${last}\n`]
  const shards = await Promise.all([...keys.map((key) => shardOf(key)), shardOf('0', '\ts ')])

  assert.deepEqual(shards, [0, 0, 0, 0, 1, 1, 0])
  assert.equal(producer.getMetrics('UserRecordsDataPut')[0]!.sum, 0)
  assert.deepEqual(
    producer.describe().streams.map(({ stream }) => stream),
    ['s'],
  )
  await stop()
})

test('many records are added with one call, and each is told of once', async () => {
  const { producer, stop } = await running()
  const inputs = Array.from({ length: 500 }, (_, i) => ({
    stream: 's',
    partitionKey: `k${i}`,
    data: `v${i}`,
  }))
  const settled: number[] = []
  producer.addUserRecords(inputs, (result, index) => {
    assert.ok(result.isDelivered)
    settled.push(index)
  })
  assert.equal(producer.outstandingRecordsCount, 500)
  await producer.flush()
  assert.deepEqual(
    settled.toSorted((a, b) => a - b),
    inputs.map((_, i) => i),
  )
  const wrong = [...inputs, { stream: 's', partitionKey: '', data: '' }]
  assert.throws(() => producer.addUserRecords(wrong, () => assert.fail()), RangeError)
  assert.equal(producer.outstandingRecordsCount, 0, 'none was added')
  await stop()
})

test('a source is read as fast as there is room, and no faster', async () => {
  const { producer, stop } = await running({ maxOutstandingRecords: 10, recordMaxBufferedTime: 5 })
  let most = 0
  async function* source() {
    for (let i = 0; i < 200; i++) {
      most = Math.max(most, producer.outstandingRecordsCount)
      yield { stream: 's', partitionKey: `k${i}`, data: `v${i}` }
    }
  }
  const [first, second] = await Promise.all([producer.addAll(source()), producer.addAll(source())])
  assert.deepEqual([first, second], Array(2).fill({ delivered: 200, failed: 0 }))
  assert.equal(most, 10)
  await stop()
})

test('what a source gives that cannot be delivered is told and counted', async () => {
  const { producer, stop } = await running()
  const codes: string[] = []
  const records = [
    { stream: 's', partitionKey: 'k', data: 'v' },
    { stream: 'nowhere', partitionKey: 'k', data: 'v' },
  ]
  const counts = await producer.addAll(records, ({ code }) => codes.push(code))
  assert.deepEqual(counts, { delivered: 1, failed: 1 })
  assert.deepEqual(codes, ['ResourceNotFoundException'])
  const bad = [{ stream: 's', partitionKey: '', data: 'v' }]
  await assert.rejects(producer.addAll(bad), RangeError)
  await stop()
})

test('close says how many it left, and each of them is told with its record', async () => {
  const { producer, stop } = await running({ recordMaxBufferedTime: 10_000 })
  const inputs = Array.from({ length: 7 }, (_, i) => ({
    stream: 's',
    partitionKey: `k${i}`,
    data: 'x',
  }))
  const left = inputs.map((input) => producer.addUserRecord(input).catch((error) => error))

  assert.equal(await producer.close({ deadlineMs: 0 }), 7)

  const errors = await Promise.all(left)
  assert.ok(errors.every((error) => error instanceof UserRecordFailedError))
  assert.deepEqual(
    errors.map(({ record }) => record),
    inputs,
  )
  assert.ok(errors.every(({ result }) => result.code === 'Closed' && !result.isDelivered))
  assert.equal(errors[0]!.result.attempts.length, 1)
  const late = await producer.addUserRecord(inputs[0]!).catch((error) => error)
  assert.equal(late.code, 'Closed')
  await stop()
})

test('flush of a stream is of that stream', async () => {
  const { producer, stop } = await running({ recordMaxBufferedTime: 60_000, recordTtl: 'none' })
  const added = producer.addUserRecord({ stream: 's', partitionKey: 'k', data: 'v' })
  await producer.flush('other')
  assert.equal(producer.outstandingRecordsCount, 1)
  await producer.flush('s')
  assert.equal(producer.outstandingRecordsCount, 0)
  await added
  await stop()
})

test('bytes are a bound of their own, and nobody waits for ever for a closed producer', async () => {
  const { producer, stop } = await running({ maxOutstandingBytes: 100 })
  await producer.ready()
  const added = producer.addUserRecord({ stream: 's', partitionKey: 'k', data: 'x'.repeat(100) })
  let isReady = false
  const ready = producer.ready().then(() => {
    isReady = true
  })
  await Promise.resolve()
  assert.equal(isReady, false)
  assert.ok(producer.oldestRecordAgeMs >= 0)
  await added
  await ready
  assert.equal(producer.oldestRecordAgeMs, 0)

  producer.addUserRecords([{ stream: 's', partitionKey: 'k', data: 'x'.repeat(100) }], () => {})
  const never = assert.rejects(producer.ready(), ClosedError)
  await stop()
  await never
})

test('a source is read no further when the producer is closed', async () => {
  const { producer, stop } = await running()
  let readCount = 0
  let isSourceClosed = false
  async function* endless() {
    try {
      for (; ; readCount++) yield { stream: 's', partitionKey: `k${readCount}`, data: 'v' }
    } finally {
      isSourceClosed = true
    }
  }
  const added = producer.addAll(endless())
  const closed = producer.close({ deadlineMs: Number.POSITIVE_INFINITY })
  await assert.rejects(added, { name: 'ClosedError', code: 'Closed' })
  assert.ok(isSourceClosed)
  assert.equal(await closed, 0)
  await stop()
})

test('what a callback throws comes out by itself, and the others are told of', async (t) => {
  const { producer, stop } = await running({ log: throwingLog })
  const thrown = uncaughtOf(t)
  const inputs = Array.from({ length: 5 }, (_, i) => ({
    stream: 's',
    partitionKey: 'k',
    data: `v${i}`,
  }))
  const told: number[] = []
  producer.addUserRecords(inputs, (_, index) => {
    told.push(index)
    if (index % 2 === 0) throw new Error(`thrown for ${index}`)
  })
  await producer.flush()
  await new Promise(setImmediate)
  assert.deepEqual(told, [0, 1, 2, 3, 4])
  assert.deepEqual(
    thrown.map(String),
    [0, 2, 4].map((i) => `Error: thrown for ${i}`),
  )
  assert.equal(producer.outstandingRecordsCount, 0)
  await stop()
})

test('what a log throws comes out by itself, and what was said went on', async () => {
  const thrown: unknown[] = []
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => thrown.push(error.message))
  const fails = (level: string) => (message: string, fields?: object) => {
    throw new Error(`${level} ${message} ${JSON.stringify(fields)}`)
  }
  const log = apart({ info: fails('info'), warn: fails('warn'), error: fails('error') })
  log.info('a', { x: 1 })
  log.warn('b')
  log.error('c', { y: 2 })
  await new Promise(setImmediate)
  process.removeAllListeners('uncaughtException')
  for (const other of others) process.on('uncaughtException', other)

  assert.deepEqual(thrown, ['info a {"x":1}', 'warn b undefined', 'error c {"y":2}'])
})

test('what the callback of a source throws ends the source', async () => {
  const { producer, stop } = await running({ maxOutstandingRecords: 2 })
  let readCount = 0
  function* source() {
    for (; readCount < 100; readCount++) yield { stream: 'nowhere', partitionKey: 'k', data: 'v' }
  }
  const onFailed = (error: UserRecordFailedError) => {
    throw error
  }
  await assert.rejects(producer.addAll(source(), onFailed), { code: 'ResourceNotFoundException' })
  assert.ok(readCount < 10, `${readCount} were read`)
  const one = [{ stream: 'nowhere', partitionKey: 'k', data: 'v' }]
  await assert.rejects(producer.addAll(one, onFailed), { code: 'ResourceNotFoundException' })
  assert.equal(producer.outstandingRecordsCount, 0)
  // Several at once: the first that was thrown.
  const numbered = [1, 2].map((i) => ({ ...one[0]!, data: `v${i}` }))
  let failedCount = 0
  const many = producer.addAll(numbered, () => {
    throw new Error(`thrown ${++failedCount}`)
  })
  await assert.rejects(many, { message: 'thrown 1' })
  assert.equal(failedCount, 2, 'each was told of')
  await stop()
})

test('a call that lacks something says so at once', async () => {
  const { producer, stop } = await running()
  const wrong = producer as unknown as {
    close(options?: unknown): Promise<number>
    addUserRecords(...args: unknown[]): void
  }
  const added = producer.addUserRecord({ stream: 's', partitionKey: 'k', data: 'v' })
  for (const options of [undefined, {}, { deadlineMs: Number.NaN }, { deadlineMs: -1 }]) {
    await assert.rejects(wrong.close(options), { name: 'TypeError', message: /deadlineMs/ })
  }
  const record = { stream: 's', partitionKey: 'k', data: 'v' }
  assert.throws(() => wrong.addUserRecords([record]), { name: 'TypeError', message: /onSettle/ })
  assert.throws(() => wrong.addUserRecords(record, () => {}), {
    name: 'TypeError',
    message: /inputs/,
  })
  assert.equal(producer.outstandingRecordsCount, 1, 'still open, and nothing was added')
  await added
  await stop()
})

test('the error of a record for which time ran out ends with what went wrong before', () => {
  const record = { stream: 's', partitionKey: 'k', data: 'v' }
  const messageOf = (...codes: (string | null)[]) => {
    const attempts = codes.map((code, i) => {
      const message = code === null ? null : `words ${i}`
      return { startAtMs: i, endAtMs: i, code, message, mayBeWritten: false }
    })
    const { code, message } = attempts.at(-1)!
    const result = { isDelivered: false, code: code!, message: message!, mayBeWritten: false }
    return new UserRecordFailedError({ ...result, isDelivered: false, attempts }, record, 0).message
  }
  assert.equal(
    messageOf('Throttling', 'ConnectFailed', 'Expired', 'Expired'),
    'Expired: words 3; before that ConnectFailed: words 1',
  )
  assert.equal(
    messageOf('Throttling', 'Closed'),
    'Closed: words 1; before that Throttling: words 0',
  )
  assert.equal(messageOf('Expired'), 'Expired: words 0')
  assert.equal(messageOf('Closed'), 'Closed: words 0')
  assert.equal(messageOf('Throttling', 'AccessDenied'), 'AccessDenied: words 1')
})

test('how long a record waited before each attempt can be told', async () => {
  const { producer, stop } = await running({ recordMaxBufferedTime: 20 })
  const beforeMs = Math.floor(performance.now())
  const added = ['s', 'nowhere'].map((stream) =>
    producer.addUserRecord({ stream, partitionKey: 'k', data: 'v' }).catch((error) => error),
  )
  const source = [{ stream: 'nowhere', partitionKey: 'k', data: 'v' }]
  const fromSource = new Promise<UserRecordFailedError>((resolve) => {
    void producer.addAll(source, resolve)
  })
  await new Promise(setImmediate)
  const afterMs = performance.now()
  for (const { arrivalAtMs, attempts } of await Promise.all([...added, fromSource])) {
    assert.ok(arrivalAtMs >= beforeMs && arrivalAtMs <= afterMs)
    const delayMs = attempts[0].startAtMs - arrivalAtMs
    assert.ok(delayMs >= 0, `${delayMs} ms`)
  }
  await stop()
})
