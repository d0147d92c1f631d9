import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { clientConfigOf, lineConfigOf } from '../../src/producer/line-config.ts'
import { producerConfig } from './producer-config.ts'

const REGIONS = [
  ...['us-east-1', 'eu-central-1', 'ap-southeast-5', 'il-central-1', 'mx-central-1'],
  ...['us-gov-west-1', 'cn-north-1', 'cn-northwest-1', 'eusc-de-east-1'],
  ...['us-iso-east-1', 'us-isob-east-1', 'us-isof-south-1', 'eu-isoe-west-1'],
]

test('the endpoint of a region is the one of the official SDK, in every partition', () => {
  for (const region of REGIONS) {
    const { endpointProvider } = new KinesisClient({ region }).config
    const { origin } = endpointProvider({ Region: region }).url
    assert.equal(clientConfigOf(producerConfig({ region })).endpoint, origin)
  }
})

test('an endpoint comes before that of the KPL, and both before the region', () => {
  const own = { endpoint: 'http://localhost:4567' }
  const ofKpl = { kinesisEndpoint: 'kinesis.test', kinesisPort: 8443 }
  const region = 'eu-central-1'
  const endpointOf = (settings: Parameters<typeof producerConfig>[0]) =>
    clientConfigOf(producerConfig(settings)).endpoint

  assert.equal(endpointOf({ ...own, ...ofKpl, region }), 'http://localhost:4567')
  assert.equal(endpointOf({ ...ofKpl, region }), 'https://kinesis.test:8443')
})

test('a stand-in without a region is signed for with one, and waited for as long as is said', () => {
  const client = clientConfigOf(
    producerConfig({ endpoint: 'http://localhost:4567', requestTimeout: 1234 }),
  )
  assert.deepEqual([client.region, client.requestTimeoutMs], ['us-east-1', 1234])
})

test('of the buffered time a fifth is for the collector, and half of it the first wait', () => {
  for (const [recordMaxBufferedTime, collectorWaitMs, baseMs] of [
    [0, 0, 20],
    [41, 8, 20],
    [42, 8, 21],
    [99, 19, 49],
    [100, 20, 50],
    [249, 49, 124],
    [250, 50, 125],
    [10_000, 50, 5000],
  ] as const) {
    const { limiter, backoff } = lineConfigOf(producerConfig({ recordMaxBufferedTime }))
    assert.equal(limiter.collectorWaitMs, collectorWaitMs)
    assert.deepEqual(backoff, { baseMs, maxMs: 5000 })
  }
})

test('a fixed rate is a percentage of what the quotas page gives a shard', () => {
  const ratesOf = (rateLimit: number) => lineConfigOf(producerConfig({ rateLimit })).limiter
  const oneSecond = { maxRecords: 1000, maxBytes: 1024 * 1024 }
  assert.deepEqual(ratesOf(150).fixedRates, {
    ...{ recordsPerSecond: 1500, bytesPerSecond: 1.5 * 1024 * 1024 },
    ...oneSecond,
  })
  const most = Number.MAX_SAFE_INTEGER
  assert.deepEqual(ratesOf(most).fixedRates, ratesOf(1_000_000_000).fixedRates)
  assert.equal(lineConfigOf(producerConfig({})).limiter.fixedRates, null)
})

test('a request is never larger than the service takes', () => {
  const sizeOf = (collectionMaxSize: number) =>
    lineConfigOf(producerConfig({ collectionMaxSize })).collection.maxSizeBytes
  const mib = 1024 * 1024
  assert.deepEqual([9 * mib, 10 * mib, 10 * mib + 1].map(sizeOf), [9 * mib, 10 * mib, 10 * mib])
})

test('only who aggregates asks for shards again and again', () => {
  for (const off of [{ aggregationEnabled: false }, { aggregation: 'off' }] as const) {
    assert.equal(lineConfigOf(producerConfig(off)).shardMapMaxAgeMs, null)
  }
  const line = lineConfigOf(producerConfig({ aggregation: 'same-key', shardMapMaxAge: 5000 }))
  assert.equal(line.shardMapMaxAgeMs, 5000)
})

test('only with early signing is what has expired sent', () => {
  const isSent = (signing: 'early' | 'late') =>
    lineConfigOf(producerConfig({ signing })).sender.isExpiredSent
  assert.deepEqual([isSent('early'), isSent('late')], [true, false])
})
