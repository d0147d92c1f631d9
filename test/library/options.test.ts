// What a program says to the producer, and what a KPL's file says for it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CredentialsOption, credentialsOf } from '../../src/library/credentials.ts'
import {
  ConfigError,
  KinesisProducer,
  type KinesisProducerOptions,
  producerOptionsFromProperties,
  producerOptionsFromPropertiesFile,
} from '../../src/library/producer.ts'
import { RecordingLog } from '../recording-log.ts'

const endpoint = 'http://127.0.0.1:9'

test('options of the KPL without effect are said in the log, each with its reason', async () => {
  const log = new RecordingLog()
  const said = { minConnections: 4, tempDirectory: '/x', stsPort: undefined }
  const producer = new KinesisProducer({ endpoint, log, ...said })
  await producer.close({ deadlineMs: 0 })
  assert.deepEqual(log.lines, [
    'warn minConnections has no effect: connections are opened when they are needed; ' +
      'the KPL does not use it either',
    'warn tempDirectory has no effect: there is no daemon: the producer runs in your process',
  ])
})

test('options that are wrong are all named, as options', () => {
  const wrong = { endpoint, recordTtl: 5, minConnections: 0, proxyPort: 0 }
  assert.throws(
    () => new KinesisProducer(wrong),
    (error) =>
      error instanceof ConfigError &&
      error.problems.length === 3 &&
      error.problems.every(({ where }) => where === 'option'),
  )
})

test('an address that is none is named like any other setting that is wrong', async () => {
  for (const wrong of [
    { endpoint: 'http://[' },
    { endpoint: 'http://h:65536' },
    { endpoint: 'http://1.2.3.4.5' },
    { endpoint: 'http://me:secret@h' },
    { endpoint: 'http://h?x' },
    { endpoint: 'http://h#x' },
    { endpoint, kinesisEndpoint: '1.2.3.4.5' },
    { endpoint, cloudwatchEndpoint: '999.1.1.1' },
    { endpoint, proxyHost: ':::' },
    { endpoint, proxyHost: 'a:80' },
    { endpoint, proxyHost: '1.2.3.4.5' },
  ]) {
    const [setting] = Object.keys(wrong).slice(-1)
    const isNamed = (error: unknown) =>
      error instanceof ConfigError &&
      error.problems.length === 1 &&
      error.problems[0]!.path === setting
    assert.throws(() => new KinesisProducer(wrong), isNamed, JSON.stringify(wrong))
  }
  for (const good of ['http://h:65535', 'https://[::1]:1', 'http://my_service:4567']) {
    await new KinesisProducer({ endpoint: good, proxyHost: '[::1]' }).close({ deadlineMs: 0 })
  }
})

test('what is no record, no log, no function and no options is said so', async () => {
  const wrongOptions = [null, 5, { endpoint, log: null }, { endpoint, log: { info() {} } }]
  for (const wrong of wrongOptions as unknown as KinesisProducerOptions[]) {
    const problem = { name: 'TypeError', message: /needs its options|log: functions info, warn/ }
    assert.throws(() => new KinesisProducer(wrong), problem)
  }
  const producer = new KinesisProducer({ endpoint })
  for (const none of [null, undefined, 'text'] as never[]) {
    const problem = { name: 'TypeError', message: /^a record is needed/ }
    assert.throws(() => producer.addUserRecord(none), problem)
    assert.throws(() => producer.addUserRecords([none], () => {}), problem)
    await assert.rejects(producer.addAll([none]), problem)
  }
  const problem = { name: 'TypeError', message: 'onFailed: a function is needed' }
  assert.throws(() => producer.writable({ onFailed: 5 as never }), problem)
  await assert.rejects(producer.addAll([], 5 as never), problem)
  await producer.close({ deadlineMs: 0 })
})

test('a region that is not said is that of the environment', (t) => {
  const before = process.env['AWS_REGION']
  t.after(() => {
    if (before === undefined) delete process.env['AWS_REGION']
    else process.env['AWS_REGION'] = before
  })
  const regionOf = (options?: KinesisProducerOptions) =>
    new KinesisProducer(options).describe().configuration.region

  process.env['AWS_REGION'] = 'eu-central-1'
  assert.equal(regionOf(), 'eu-central-1')
  assert.equal(regionOf({ endpoint }), 'eu-central-1')
  assert.equal(regionOf({ region: '' }), 'eu-central-1')
  assert.equal(regionOf({ region: undefined }), 'eu-central-1')
  assert.equal(regionOf({ region: 'us-east-1' }), 'us-east-1')
  process.env['AWS_REGION'] = 'Frankfurt'
  assert.throws(() => regionOf(), { name: 'ConfigError', message: /environment AWS_REGION/ })
  delete process.env['AWS_REGION']
  assert.equal(regionOf({ endpoint }), '')
  assert.throws(() => regionOf(), { name: 'TypeError', message: /region.*AWS_REGION.*endpoint/ })
})

test('of the environment nothing but the region counts', async (t) => {
  const others = { RATE_LIMIT: '7', AWS_ENDPOINT_URL_KINESIS: 'http://elsewhere:1' }
  t.after(() => {
    for (const name of Object.keys(others)) delete process.env[name]
  })
  Object.assign(process.env, others)
  const producer = new KinesisProducer({ region: 'eu-central-1' })
  const { configuration } = producer.describe()
  assert.deepEqual([configuration.rateLimit, configuration.endpoint], ['adaptive', ''])
  await producer.close({ deadlineMs: 0 })
})

test('dimensions that no metric could have are refused', () => {
  const good = { key: 'Fleet', value: 'web', granularity: 'global' }
  const make = (metricsDimensions: unknown) =>
    new KinesisProducer({ endpoint, metricsDimensions } as KinesisProducerOptions)
  make([good, { ...good, granularity: 'shard' }])
  const wrong = [
    'Fleet',
    [null],
    [{ ...good, key: '' }],
    [{ ...good, value: 5 }],
    [{ ...good, granularity: 'fleet' }],
    ...['MetricName', 'ErrorCode', 'StreamName', 'ShardId'].map((key) => [good, { ...good, key }]),
  ]
  const problem = { name: 'TypeError', message: /^metricsDimensions/ }
  for (const one of wrong) assert.throws(() => make(one), problem, JSON.stringify(one))
})

test('secrets of the transport are not in what a producer says of itself', async () => {
  const producer = new KinesisProducer({ endpoint, proxyUserName: 'me', proxyPassword: 'secret' })
  const described = JSON.stringify(producer.describe())
  await producer.close({ deadlineMs: 0 })
  assert.ok(!described.includes('secret'))
})

test('a properties file becomes options, read as Java reads it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'kpl.properties')
  writeFileSync(path, Buffer.from('ProxyPassword = gr\xfcn\nRecordTtl = 1000\nPort=1', 'latin1'))
  const log = new RecordingLog()

  const options = producerOptionsFromPropertiesFile(path, { log })

  assert.deepEqual(options, { proxyPassword: 'grün', recordTtl: 1000 })
  assert.equal(log.lines.length, 1)
  assert.ok(log.lines[0]!.startsWith(`warn ${path}:3: Port is no key`))
})

test('a host and a port of the KPL are an endpoint', async () => {
  const options = producerOptionsFromProperties('KinesisEndpoint = localhost\nKinesisPort = 9')
  const producer = new KinesisProducer(options)
  const { kinesisEndpoint, kinesisPort } = producer.describe().configuration
  await producer.close({ deadlineMs: 0 })
  assert.deepEqual([kinesisEndpoint, kinesisPort], ['localhost', 9])
})

test('the largest user record is counted with its key, in UTF-8', async () => {
  const producer = new KinesisProducer({ endpoint, maxUserRecordSize: 100 })
  const put = (dataBytes: number, partitionKey: string) => {
    const data = Buffer.alloc(dataBytes)
    producer.addUserRecord({ stream: 's', partitionKey, data }).catch(() => {})
  }
  put(98, 'ä')
  assert.throws(() => put(99, 'ä'), /101 bytes; maxUserRecordSize is 100/)
  assert.equal(producer.outstandingRecordsCount, 1)
  await producer.close({ deadlineMs: 0 })
})

test('keys are taken as the AWS SDK writes them, and what is none is said', async () => {
  const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
  const atMs = Date.UTC(2030, 0, 1)
  const temporary = { ...keys, sessionToken: 'token', expiration: new Date(atMs), accountId: '1' }
  const ours = { ...keys, sessionToken: 'token', expiresAtMs: atMs }
  assert.deepEqual(await credentialsOf(keys)(), keys)
  assert.deepEqual(await credentialsOf(() => keys)(), keys)
  assert.deepEqual(await credentialsOf(() => Promise.resolve(temporary))(), ours)
  assert.deepEqual(await credentialsOf(ours)(), ours)
  for (const sessionToken of [null, undefined, '']) {
    const said = { ...keys, sessionToken, expiration: null }
    assert.deepEqual(await credentialsOf(() => said)(), keys)
  }
  for (const [wrong, message] of [
    [{ sessionToken: 5 }, /sessionToken is no text/],
    [{ expiration: '2030-01-01T00:00:00Z' }, /expiration, a Date, or expiresAtMs is no instant/],
    [{ expiration: new Date('x') }, /is no instant/],
    [{ expiresAtMs: '2030' }, /is no instant/],
  ] as const) {
    const option = { ...keys, ...wrong } as unknown as CredentialsOption
    assert.throws(() => credentialsOf(option), { name: 'TypeError', message })
  }

  const wrong = [{}, null, { ...keys, secretAccessKey: '' }, { accessKeyId: 'AKID' }, 'AKID:secret']
  for (const one of wrong as unknown as CredentialsOption[]) {
    const problem = { name: 'TypeError', message: /accessKeyId and secretAccessKey are needed/ }
    assert.throws(() => new KinesisProducer({ region: 'eu-central-1', credentials: one }), problem)
    await assert.rejects(credentialsOf(() => one as never)(), problem)
  }
})
