// The official client for CloudWatch, with connections and keys of ours.

import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type CloudWatchOptions, cloudWatch } from '../../src/host/node/cloudwatch.ts'
import { NodeClock } from '../../src/host/node/index.ts'
import { putBody } from './put-body.ts'
import { portOf, testProxy } from './tls-and-proxy.ts'

const clock = new NodeClock()
const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'secret' }

async function sinkOf(t: TestContext, options: Partial<CloudWatchOptions>) {
  const sink = await cloudWatch({
    ...{ region: 'eu-west-1', credentials: () => Promise.resolve(KEYS) },
    ...{ network: { clock }, requestTimeoutMs: 5000 },
    ...options,
  })
  t.after(() => sink.close())
  return sink
}

interface Request {
  readonly host: string
  readonly keyId: string
  readonly socket: Socket
  readonly body: unknown
}

/** Takes all that is put. */
async function fakeCloudWatch(t: TestContext) {
  const requests: Request[] = []
  const listener: RequestListener = async (request, response) => {
    const { authorization, host } = request.headers
    const keyId = /Credential=(\w+)/.exec(authorization!)![1]!
    const body = JSON.parse(`${await putBody(request)}`)
    requests.push({ host: host!, keyId, socket: request.socket, body })
    response.setHeader('content-type', 'application/x-amz-json-1.0').end('{}')
  }
  const server = createServer(listener)
  server.keepAliveTimeout = 0
  return { port: await portOf(t, server), requests }
}

const DATUM = {
  name: 'RequestTime',
  unit: 'Milliseconds',
  dimensions: [{ name: 'StreamName', value: 's' }],
  atWallMs: 1_700_000_000_000,
  sampleCount: 3,
  sum: 60,
  min: 10,
  max: 30,
} as const

test('a datum has every field where CloudWatch looks for it', async (t) => {
  const { port, requests } = await fakeCloudWatch(t)
  const sink = await sinkOf(t, { endpoint: `http://127.0.0.1:${port}` })

  await sink.put('Shop', [DATUM])

  assert.deepEqual(requests[0]!.body, {
    Namespace: 'Shop',
    MetricData: [
      {
        MetricName: 'RequestTime',
        Unit: 'Milliseconds',
        Dimensions: [{ Name: 'StreamName', Value: 's' }],
        Timestamp: 1_700_000_000,
        StatisticValues: { SampleCount: 3, Sum: 60, Minimum: 10, Maximum: 30 },
      },
    ],
  })
})

test('keys that expire are fetched anew, keys that last are not', async (t) => {
  const { port, requests } = await fakeCloudWatch(t)
  const endpoint = `http://127.0.0.1:${port}`
  for (const expiry of [{ expiresAtMs: Date.now() + 1000 }, {}]) {
    let fetchCount = 0
    const credentials = async () => ({ ...KEYS, ...expiry, accessKeyId: `AKID${++fetchCount}` })
    const sink = await sinkOf(t, { endpoint, credentials })
    await sink.put('Shop', [DATUM])
    await sink.put('Shop', [DATUM])
  }
  const [expiring, next, lasting, same] = requests.map(({ keyId }) => keyId)
  assert.notEqual(expiring, next)
  assert.deepEqual([lasting, same], ['AKID1', 'AKID1'])
})

test('without TLS it goes through the proxy as well', async (t) => {
  const { port, requests } = await fakeCloudWatch(t)
  const proxy = await testProxy(t, port)
  const proxyOf = () => new URL(`http://127.0.0.1:${proxy.port}`)
  const sink = await sinkOf(t, { endpoint: 'http://stand-in.test:81', network: { clock, proxyOf } })

  await sink.put('Shop', [DATUM])

  assert.equal(proxy.asked[0]?.target, 'stand-in.test:81')
  assert.equal(requests[0]!.host, 'stand-in.test:81')
})

test('the proxy is chosen for the host that the client then asks for, in every partition', async (t) => {
  for (const region of ['eu-west-1', 'cn-north-1', 'us-gov-west-1', 'eusc-de-east-1']) {
    const proxy = await testProxy(t, 1, 403)
    const origins: string[] = []
    const proxyOf = (origin: URL) => {
      origins.push(`${origin.hostname}:443`)
      return new URL(`http://127.0.0.1:${proxy.port}`)
    }
    const sink = await sinkOf(t, { region, network: { clock, proxyOf } })

    await assert.rejects(sink.put('Shop', [DATUM]), /403/)

    assert.deepEqual(origins, [proxy.asked[0]!.target])
    assert.match(
      origins[0]!,
      new RegExp(`^monitoring\\.${region}\\.amazonaws\\.(com|com\\.cn|eu):`),
    )
  }
})

test('its connections end with it', async (t) => {
  const { port, requests } = await fakeCloudWatch(t)
  const sink = await sinkOf(t, { endpoint: `http://127.0.0.1:${port}` })
  await sink.put('Shop', [DATUM])
  const closed = new Promise<void>((resolve) => requests[0]!.socket.once('close', () => resolve()))

  sink.close()

  await closed
})
