// A KPL's configuration, moved here as it is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, type Fields, isField } from '../../src/config/index.ts'
import {
  producerFields,
  transportFields,
  userRecordFields,
  vestigialFields,
} from '../../src/producer/index.ts'
import { readKplProperties } from '../../src/producer/kpl-properties.ts'

const LONG = '9223372036854775807'

/** The KPL's keys with their defaults, least and most, as version 1.0.7 checks them. */
const RANGES: [key: string, fallback: number, min: string, max: string][] = [
  ['AggregationMaxCount', 4_294_967_295, '1', LONG],
  ['AggregationMaxSize', 51_200, '64', '10485760'],
  ['CollectionMaxCount', 500, '1', '500'],
  ['CollectionMaxSize', 5_242_880, '52224', LONG],
  ['MaxUserRecordSize', 1_048_576, '64', '10485760'],
  ['RecordMaxBufferedTime', 100, '0', LONG],
  ['RecordTtl', 30_000, '100', LONG],
  ['ConnectTimeout', 6000, '100', '300000'],
  ['RequestTimeout', 6000, '100', '600000'],
  ['MaxConnections', 24, '1', '256'],
  ['MinConnections', 1, '1', '16'],
  ['KinesisPort', 443, '1', '65535'],
  ['CloudwatchPort', 443, '1', '65535'],
  ['StsPort', 443, '1', '65535'],
  ['ProxyPort', 443, '1', '65535'],
  ['ThreadPoolSize', 0, '0', '2147483647'],
  ['CredentialsRefreshDelay', 5000, '1', '300000'],
  ['UserRecordTimeoutInMillis', 0, '0', LONG],
  ['MetricsUploadDelay', 60_000, '1', '60000'],
  ['DaemonHealthCheckTimeoutMs', 30_000, '5000', LONG],
]

/** Whatever has no range: default, something else that is allowed, something that is not. */
const OTHERS: [key: string, fallback: unknown, good: string, bad: string | null][] = [
  ['AggregationEnabled', true, 'false', 'on'],
  ['FailIfThrottled', false, 'true', 'yes'],
  ['VerifyCertificate', true, 'false', 'no'],
  ['EnableOldestFutureTracker', true, 'false', ''],
  ['ReturnUserRecordOnFailure', false, 'true', '2'],
  ['EnableDaemonHealthCheck', false, 'true', 'off'],
  ['EnableCoreDumps', false, 'true', 'x'],
  ['Region', '', 'us-gov-west-1', 'Frankfurt'],
  ['KinesisEndpoint', '', 'kinesis.example.com', 'https://kinesis.example.com'],
  ['CloudwatchEndpoint', '', 'monitoring.example.com', 'host:1'],
  ['StsEndpoint', '', 'sts.example.com', 'a/b'],
  ['LogLevel', 'info', 'warning', 'loud'],
  ['MetricsLevel', 'detailed', 'summary', 'all'],
  ['MetricsGranularity', 'shard', 'global', 'record'],
  ['MetricsNamespace', 'KinesisProducerLibrary', 'own', 'AWS/own'],
  ['ThreadingModel', 'PER_REQUEST', 'POOLED', 'MANY'],
  ['ProxyHost', '', 'proxy.example.com', 'a b'],
  ['ProxyUserName', '', 'me', null],
  ['ProxyPassword', '', 'p#ss', null],
  ['CaCertFile', '', '/etc/ca.pem', null],
  ['CaCertPath', '', '/etc/ca', null],
  ['NativeExecutable', '', '/bin/kpl', null],
  ['TempDirectory', '', '/tmp', null],
  ['GlueSchemaRegistryPropertiesFilePath', '', '/etc/glue.properties', null],
]

const FIELDS: Fields = {
  ...producerFields,
  ...transportFields,
  ...userRecordFields,
  ...vestigialFields,
}

function camel(key: string): string {
  return key[0]!.toLowerCase() + key.slice(1)
}

function problemsOf(...lines: string[]): string[] {
  try {
    readKplProperties('kpl.properties', lines.join('\n'))
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message.split('\n')
  }
  return []
}

for (const [key, fallback, min, max] of RANGES) {
  test(`${key} has the KPL's default and is taken from ${min} to ${max}`, () => {
    const field = FIELDS[camel(key)]!
    assert.equal(isField(field) && field.default, fallback)
    for (const good of [min, max]) assert.deepEqual(problemsOf(`${key} = ${good}`), [], good)
    for (const bad of [BigInt(min) - 1n, BigInt(max) + (max === LONG ? 1026n : 1n), 'many']) {
      assert.equal(problemsOf(`${key} = ${bad}`).length, 1, String(bad))
    }
  })
}

for (const [key, fallback, good, bad] of OTHERS) {
  test(`${key} has the KPL's default and its values`, () => {
    const field = FIELDS[camel(key)]!
    assert.equal(isField(field) && field.default, fallback)
    assert.deepEqual(problemsOf(`${key} = ${good}`), [])
    if (bad !== null) assert.equal(problemsOf(`${key} = ${bad}`).length, 1)
  })
}

test('what has an effect is a setting; what has none is a warning that says why', () => {
  const { settings, warnings } = readKplProperties(
    'kpl.properties',
    ['RecordTtl = 60000', 'ThreadingModel: POOLED', 'Region eu-central-1'].join('\n'),
  )
  assert.deepEqual(settings, { recordTtl: 60_000, region: 'eu-central-1' })
  assert.deepEqual(warnings, [
    'kpl.properties:2: ThreadingModel has no effect: requests wait for the service without ' +
      'threads; maxConnections bounds them',
  ])
})

test('a key that nobody knows is a warning, with the nearest that we know', () => {
  const { settings, warnings } = readKplProperties('f', 'RecordTtll=5\nrecordTtl=5\nQwertyuiop=1')
  assert.deepEqual(settings, {})
  assert.deepEqual(warnings, [
    'f:1: RecordTtll is no key that we know; did you mean RecordTtl?',
    'f:2: recordTtl is no key that we know; did you mean RecordTtl?',
    'f:3: Qwertyuiop is no key that we know',
  ])
})

test("the semicolon of the KPL's sample file is named, with key and line", () => {
  assert.deepEqual(problemsOf('# sizes', 'MaxUserRecordSize = 1048576;'), [
    'kpl.properties:2: MaxUserRecordSize: "1048576;" is not allowed; allowed is ' +
      '64..10485760 bytes; a line of a properties file ends without a semicolon',
  ])
})

test('every value that is wrong is told at once', () => {
  const problems = problemsOf('RecordTtl = 99', 'RateLimit = 0', 'TempDirectory = C:\\users')
  assert.equal(problems.length, 3)
  assert.match(problems[2]!, /^kpl\.properties:3: TempDirectory: a \\u stands before/)
})

test('of a key that is said twice the last one counts', () => {
  const { settings } = readKplProperties('f', 'RecordTtl=1000\nRecordTtl=2000')
  assert.deepEqual(settings, { recordTtl: 2000 })
})
