import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { uploadMetrics } from '../../src/library/cloudwatch.ts'
import { startKinesis } from '../../src/library/kinesis.ts'
import { KinesisProducer } from '../../src/library/producer.ts'
import { putBody } from '../host/put-body.ts'
import { portOf, TLS, testProxy, tlsPort } from '../host/tls-and-proxy.ts'
import { RecordingLog } from '../recording-log.ts'

const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
const credentials = () => Promise.resolve(KEYS)

interface Received {
  readonly authorization: string
  readonly bodyBytes: number
  readonly body: {
    readonly Namespace: string
    readonly MetricData: readonly {
      readonly MetricName: string
      readonly Unit: string
      readonly Timestamp: number
      readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[]
      readonly StatisticValues: Readonly<Record<string, number>>
    }[]
  }
}

/** Takes what the official client puts; refuses the first `failCount` requests. */
async function fakeCloudWatch(failCount: number) {
  const received: Received[] = []
  let left = failCount
  const server = createServer(async (request, response) => {
    const plain = await putBody(request)
    response.setHeader('content-type', 'application/x-amz-json-1.0')
    if (left-- > 0) {
      response.writeHead(500)
      return response.end('{"__type":"InternalServiceFault"}')
    }
    assert.match(String(request.headers['x-amz-target']), /\.PutMetricData$/)
    received.push({
      authorization: String(request.headers.authorization),
      bodyBytes: plain.length,
      body: JSON.parse(plain.toString('utf8')),
    })
    return response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => new Promise((resolve) => server.close(resolve))
  return { endpoint: `http://127.0.0.1:${port}`, received, close }
}

test("a closed producer's metrics arrive at CloudWatch through the official client", async () => {
  const cloudWatch = await fakeCloudWatch(1)
  const kinesis = await startKinesis({ streams: { orders: 4 } })
  const producer = new KinesisProducer({
    ...{ endpoint: kinesis.endpoint, region: 'eu-west-1', credentials },
    ...{ metricsNamespace: 'Shop', recordMaxBufferedTime: 10 },
    metricsDimensions: [{ key: 'Fleet', value: 'f', granularity: 'global' }],
  })
  const { endpoint } = cloudWatch
  const upload = await uploadMetrics(producer, { endpoint, credentials })
  const added = Array.from({ length: 50 }, (_, i) =>
    producer.addUserRecord({ stream: 'orders', partitionKey: `key-${i}`, data: 'xx' }),
  )
  await Promise.all(added)

  assert.equal(await producer.close({ deadlineMs: 5000 }), 0)
  assert.equal(await upload.close({ deadlineMs: 5000 }), 0)

  await kinesis.close()
  await cloudWatch.close()
  const data = cloudWatch.received.flatMap(({ body }) => body.MetricData)
  assert.ok(cloudWatch.received.length > 1)
  for (const { authorization, bodyBytes, body } of cloudWatch.received) {
    assert.match(authorization, /\/eu-west-1\/monitoring\/aws4_request/)
    assert.ok(bodyBytes <= 38_912 && body.MetricData.length <= 20)
    assert.equal(body.Namespace, 'Shop')
  }
  const put = data.filter(({ MetricName }) => MetricName === 'UserRecordsPut')
  const byPath = new Map(
    put.map((datum) => [datum.Dimensions.map(({ Name }) => Name).join(' '), datum]),
  )
  const shards = put.filter(({ Dimensions }) => Dimensions.some(({ Name }) => Name === 'ShardId'))
  const paths = ['', 'Fleet', 'Fleet StreamName', 'Fleet StreamName ShardId']
  assert.deepEqual([...byPath.keys()].sort(), paths)
  const all = { SampleCount: 50, Sum: 50, Minimum: 1, Maximum: 1 }
  assert.deepEqual(byPath.get('')!.StatisticValues, all)
  assert.equal(byPath.get('')!.Unit, 'Count')
  assert.equal(
    shards.reduce((sum, { StatisticValues }) => sum + StatisticValues['Sum']!, 0),
    50,
  )
})

test("an upload is signed with the producer's keys and region, unless it is given others", async () => {
  const cloudWatch = await fakeCloudWatch(0)
  const { endpoint } = cloudWatch
  const others = { ...KEYS, accessKeyId: 'OTHER' }

  const elsewhere = { endpoint, credentials: others, region: 'ap-south-1' }
  for (const options of [{ endpoint }, elsewhere]) {
    const producer = new KinesisProducer({
      ...{ endpoint: 'http://127.0.0.1:9', region: 'eu-west-1', credentials: KEYS },
    })
    producer.addUserRecord({ stream: 's', partitionKey: 'k', data: '' }).catch(() => {})
    await producer.close({ deadlineMs: 0 })
    await (await uploadMetrics(producer, options)).close({ deadlineMs: 10_000 })
  }

  await cloudWatch.close()
  const names = cloudWatch.received.map(
    ({ authorization }) => /Credential=(\w+\/\d+\/[\w-]+)/.exec(authorization)![1],
  )
  const [own, other, ...more] = new Set(names)
  assert.match(own!, /^AKID\/\d+\/eu-west-1$/)
  assert.match(other!, /^OTHER\/\d+\/ap-south-1$/)
  assert.equal(more.length, 0)
})

test('an upload needs a region', async () => {
  const producer = new KinesisProducer({ endpoint: 'http://127.0.0.1:9', credentials })

  await assert.rejects(uploadMetrics(producer), TypeError)
  await producer.close({ deadlineMs: 0 })
})

test("metrics go through the producer's proxy, to whom its certificates vouch for", async (t) => {
  const targets: string[] = []
  const port = await tlsPort(t, (request, response) => {
    targets.push(String(request.headers['x-amz-target']))
    request.resume()
    response.setHeader('content-type', 'application/x-amz-json-1.0').end('{}')
  })
  const proxy = await testProxy(t, port)
  const directory = mkdtempSync(join(tmpdir(), 'headgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const caCertFile = join(directory, 'ca.pem')
  writeFileSync(caCertFile, TLS.ca)
  const producer = new KinesisProducer({
    ...{ region: 'eu-west-1', credentials, caCertFile },
    ...{ proxyHost: '127.0.0.1', proxyPort: proxy.port, proxyUserName: 'me' },
    ...{ cloudwatchEndpoint: 'kinesis.test', cloudwatchPort: 8443 },
  })
  producer.addUserRecord({ stream: 's', partitionKey: 'k', data: '' }).catch(() => {})
  await producer.close({ deadlineMs: 0 })

  const upload = await uploadMetrics(producer, { credentials })

  assert.equal(await upload.close({ deadlineMs: 10_000 }), 0)
  assert.ok(targets.length > 0 && targets.every((target) => target.endsWith('.PutMetricData')))
  const [asked] = proxy.asked
  assert.equal(asked?.target, 'kinesis.test:8443')
  assert.ok(asked?.authorization !== undefined)
})

test('a CloudWatch that does not answer is given up after requestTimeout', async (t) => {
  const port = await portOf(
    t,
    createServer((request) => request.resume()),
  )
  const producer = new KinesisProducer({
    ...{ endpoint: 'http://127.0.0.1:9', region: 'eu-west-1', credentials, requestTimeout: 100 },
  })
  producer.addUserRecord({ stream: 's', partitionKey: 'k', data: '' }).catch(() => {})
  await producer.close({ deadlineMs: 0 })
  const log = new RecordingLog()
  const upload = await uploadMetrics(producer, {
    ...{ endpoint: `http://127.0.0.1:${port}`, credentials, log },
  })

  const leftCount = await upload.close({ deadlineMs: 10_000 })

  assert.ok(leftCount > 0)
  assert.deepEqual(log.lines, ['warn metrics could not be uploaded; they go with a later upload'])
})
