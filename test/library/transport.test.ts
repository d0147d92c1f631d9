// The producer over real sockets: what its limits on connections and times mean.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startKinesis } from '../../src/library/kinesis.ts'
import { KinesisProducer, type KinesisProducerOptions } from '../../src/library/producer.ts'
import { portOf, TLS, testProxy, tlsPort } from '../host/tls-and-proxy.ts'
import { RecordingLog } from '../recording-log.ts'

const keys = { accessKeyId: 'any', secretAccessKey: 'any' }
const credentials = () => Promise.resolve(keys)
const region = 'us-east-1'

function producerOf(t: TestContext, options: KinesisProducerOptions): KinesisProducer {
  const producer = new KinesisProducer({ region, credentials, ...options })
  t.after(() => producer.close({ deadlineMs: 0 }))
  return producer
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

interface Front {
  readonly listener: RequestListener
  /** Of the requests with PutRecords. */
  readonly contentTypes: string[]
  mostAtOnce: number
}

/** Hands requests on to an embedded Kinesis, after `waitMs`; `knowsCbor: false` answers 415. */
async function frontOf(t: TestContext, waitMs: number, knowsCbor = true): Promise<Front> {
  const kinesis = await startKinesis({ streams: { orders: 2 } })
  t.after(() => kinesis.close())
  let atOnce = 0
  const front: Front = { contentTypes: [], mostAtOnce: 0, listener: () => {} }
  const handOn = async (request: IncomingMessage) => {
    const body = await bodyOf(request)
    const type = request.headers['content-type']!
    const target = String(request.headers['x-amz-target'])
    if (target.endsWith('PutRecords')) front.contentTypes.push(type)
    if (!knowsCbor && type.includes('cbor')) return { status: 415, type: 'text/plain', bytes: '' }
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    const authorization = request.headers.authorization!
    const headers = { 'content-type': type, 'x-amz-target': target, authorization }
    const dated = { ...headers, 'x-amz-date': String(request.headers['x-amz-date']) }
    const answer = await fetch(kinesis.endpoint, { method: 'POST', headers: dated, body })
    const bytes = Buffer.from(await answer.arrayBuffer())
    return { status: answer.status, type: answer.headers.get('content-type')!, bytes }
  }
  const listener: RequestListener = (request, response) => {
    front.mostAtOnce = Math.max(front.mostAtOnce, ++atOnce)
    handOn(request).then(({ status, type, bytes }) => {
      atOnce--
      response.writeHead(status, { 'content-type': type }).end(bytes)
    })
  }
  return Object.assign(front, { listener })
}

function putMany(producer: KinesisProducer, count: number) {
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      producer.addUserRecord({ stream: 'orders', partitionKey: `k${i}`, data: `${i}` }),
    ),
  )
}

test('through a proxy, over TLS, with the settings of a KPL', async (t) => {
  const front = await frontOf(t, 0)
  const proxy = await testProxy(t, await tlsPort(t, front.listener))
  const directory = mkdtempSync(join(tmpdir(), 'headgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const caCertFile = join(directory, 'ca.pem')
  writeFileSync(caCertFile, TLS.ca)
  const producer = producerOf(t, {
    kinesisEndpoint: 'kinesis.test',
    kinesisPort: 8443,
    proxyHost: '127.0.0.1',
    proxyPort: proxy.port,
    caCertFile,
  })

  const results = await putMany(producer, 20)

  assert.ok(results.every(({ attempts }) => attempts.length === 1))
  assert.ok(proxy.asked.every(({ target }) => target === 'kinesis.test:8443'))
})

test('a service that refuses CBOR gets every record once, in JSON', async (t) => {
  const front = await frontOf(t, 0, false)
  const port = await portOf(t, createServer(front.listener))
  const log = new RecordingLog()
  const producer = producerOf(t, { endpoint: `http://127.0.0.1:${port}`, log })

  const results = await putMany(producer, 50)
  const again = await putMany(producer, 50)

  const places = [...results, ...again].map((place) => JSON.stringify({ ...place, attempts: 0 }))
  assert.equal(new Set(places).size, 100)
  assert.ok(front.contentTypes.every((type) => type === 'application/x-amz-json-1.1'))
  assert.equal(log.lines.filter((line) => line.includes('CBOR')).length, 1)
})

test('maxConnections bounds what is under way, listings of shards included', async (t) => {
  const front = await frontOf(t, 10)
  const server = createServer(front.listener)
  let connectionCount = 0
  server.on('connection', () => connectionCount++)
  const endpoint = `http://127.0.0.1:${await portOf(t, server)}`
  const alone = { aggregationEnabled: false, collectionMaxCount: 1, recordMaxBufferedTime: 0 }
  const producer = producerOf(t, { endpoint, maxConnections: 3, ...alone })

  await putMany(producer, 30)

  assert.equal(front.mostAtOnce, 3)
  assert.equal(connectionCount, 3, 'connections are kept')
})

test('a producer that is closed closes its connections', async (t) => {
  const front = await frontOf(t, 0)
  const server = createServer(front.listener)
  server.keepAliveTimeout = 0
  const ends: Promise<void>[] = []
  server.on('connection', (socket) => {
    ends.push(new Promise((resolve) => socket.once('close', () => resolve())))
  })
  const producer = producerOf(t, { endpoint: `http://127.0.0.1:${await portOf(t, server)}` })
  await putMany(producer, 1)

  await producer.close({ deadlineMs: 1000 })

  assert.ok(ends.length > 0)
  await Promise.all(ends)
})

test('requestTimeout is the whole request: an answer that trickles does not prolong it', async (t) => {
  const listener: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
    const trickle = setInterval(() => response.write(' '), 10)
    response.on('close', () => clearInterval(trickle))
  }
  const endpoint = `http://127.0.0.1:${await portOf(t, createServer(listener))}`
  const times = { requestTimeout: 100, recordTtl: 150, recordMaxBufferedTime: 0 }
  const producer = producerOf(t, { endpoint, ...times, aggregationEnabled: false })

  const failed = await producer
    .addUserRecord({ stream: 'orders', partitionKey: 'k', data: 'v' })
    .catch((error) => error)

  const [first] = failed.attempts
  assert.equal(first.code, 'RequestTimeout')
  assert.equal(first.mayBeWritten, true)
  const tookMs = first.endAtMs - first.startAtMs
  assert.ok(tookMs >= 100 && tookMs < 1000, `${tookMs} ms`)
})

test('connectTimeout is for the connection only: a slow answer may take longer', async (t) => {
  const front = await frontOf(t, 150)
  const endpoint = `http://127.0.0.1:${await portOf(t, createServer(front.listener))}`
  const producer = producerOf(t, { endpoint, connectTimeout: 100 })
  const [result] = await putMany(producer, 1)
  assert.equal(result!.attempts.length, 1)
})
