import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { clientConfigOf } from '../../src/producer/line-config.ts'
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
