// The embedded Kinesis over TLS: the official SDK and our producer, with a certificate of its own
// and with one that it is given.

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import { selfSigned } from '../../src/host/node/index.ts'
import { type KinesisServerOptions, startKinesis } from '../../src/library/kinesis.ts'
import { KinesisProducer } from '../../src/library/producer.ts'
import { TLS } from '../host/tls-and-proxy.ts'

const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
const region = 'us-east-1'

async function started(t: TestContext, options: KinesisServerOptions) {
  const kinesis = await startKinesis({ streams: { orders: 1 }, ...options })
  t.after(() => kinesis.close())
  return { ...kinesis, tlsEndpoint: kinesis.tlsEndpoint!, certificate: kinesis.certificate! }
}

function fileOf(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-tls-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'ca.pem')
  writeFileSync(file, text)
  return file
}

async function readBack(client: KinesisClient): Promise<string[]> {
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({
      StreamName: 'orders',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    }),
  )
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }))
  return Records!.map(({ Data }) => Buffer.from(Data!).toString())
}

for (const protocol of ['HTTP/2', 'HTTP/1.1'] as const) {
  test(`the official SDK writes and reads over TLS and ${protocol}`, async (t) => {
    const kinesis = await started(t, { tls: true })
    const ca = kinesis.certificate
    const requestHandler =
      protocol === 'HTTP/1.1'
        ? new NodeHttpHandler({ httpsAgent: { ca } })
        : new NodeHttp2Handler({ nodeHttp2ConnectOptions: { ca } })
    const endpoint = kinesis.tlsEndpoint
    const client = new KinesisClient({ endpoint, region, credentials, requestHandler })
    t.after(() => client.destroy())
    const entry = (text: string) => ({ PartitionKey: text, Data: Buffer.from(text) })

    const StreamName = 'orders'
    const Records = [entry('one'), entry('two')]
    const answer = await client.send(new PutRecordsCommand({ StreamName, Records }))

    assert.equal(answer.FailedRecordCount, 0)
    assert.deepEqual(await readBack(client), ['one', 'two'])
  })
}

test('our producer delivers to it, as a KPL is told of it', async (t) => {
  const kinesis = await started(t, { tls: true })
  const { hostname, port } = new URL(kinesis.tlsEndpoint)
  const producer = new KinesisProducer({
    region,
    credentials: () => Promise.resolve(credentials),
    kinesisEndpoint: hostname,
    kinesisPort: Number(port),
    caCertFile: fileOf(t, kinesis.certificate),
  })
  t.after(() => producer.close({ deadlineMs: 0 }))

  const { shardId } = await producer.addUserRecord({
    stream: 'orders',
    partitionKey: 'a',
    data: 'one',
  })

  assert.equal(shardId, 'shardId-000000000000')
})

test('only a client that asks for no good certificate takes one of its own', async (t) => {
  const kinesis = await started(t, { tls: true })
  const record = { stream: 'orders', partitionKey: 'a', data: 'one' }
  const producerOf = (verifyCertificate: boolean) => {
    const producer = new KinesisProducer({
      region,
      credentials: () => Promise.resolve(credentials),
      endpoint: kinesis.tlsEndpoint,
      verifyCertificate,
      recordTtl: verifyCertificate ? 300 : 30_000,
    })
    t.after(() => producer.close({ deadlineMs: 0 }))
    return producer
  }

  await assert.rejects(producerOf(true).addUserRecord(record), { code: 'Expired' })

  const { sequenceNumber } = await producerOf(false).addUserRecord(record)
  assert.match(sequenceNumber, /^\d+$/)
})

test('the certificate that it is given is the one that it shows', async (t) => {
  const kinesis = await started(t, { tls: TLS })
  const { port } = new URL(kinesis.tlsEndpoint)

  const status = await new Promise<number>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: 'kinesis.test', ca: TLS.ca }
    get(options, (response) => resolve(response.resume().statusCode!)).on('error', reject)
  })

  assert.ok(status >= 400, `${status}`)
  assert.equal(kinesis.certificate, TLS.certificate)
})

test('the port without TLS stays, and the one with it speaks nothing else', async (t) => {
  const kinesis = await started(t, { tls: true })

  const plain = await fetch(kinesis.endpoint)
  const wrong = fetch(kinesis.tlsEndpoint.replace('https', 'http'))

  assert.ok(plain.status >= 400)
  await assert.rejects(wrong)
})

test('a port that cannot be had for TLS leaves nothing open', async (t) => {
  const other = await started(t, {})
  const tlsPort = Number(new URL(other.endpoint).port)

  await assert.rejects(startKinesis({ tls: true, tlsPort }), { code: 'EADDRINUSE' })
})

test('a certificate of its own is good for the loopback, for what is asked for, and for years', () => {
  const { certificate } = selfSigned([
    'kinesis.test',
    '10.1.2.3',
    '2001:db8::1:0',
    '::ffff:1.2.3.4',
  ])

  const read = new X509Certificate(certificate)

  const hosts = ['localhost', 'kinesis.test', 'other.test'].map((host) => read.checkHost(host))
  assert.deepEqual(hosts, ['localhost', 'kinesis.test', undefined])
  const addresses = ['127.0.0.1', '::1', '10.1.2.3', '2001:db8::1:0', '::ffff:1.2.3.4']
  for (const address of addresses) assert.equal(read.checkIP(address), address)
  assert.equal(read.checkIP('10.1.2.4'), undefined)
  assert.ok(read.checkIssued(read) && read.verify(read.publicKey))
  assert.ok(read.validFromDate.getTime() < Date.now())
  assert.ok(read.validToDate.getTime() > Date.now() + 3600 * 86_400_000)
})

test('a certificate can be read, whatever its number is drawn as', () => {
  for (const first of [0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff]) {
    for (const second of [0x00, 0x7f, 0x80, 0xff]) {
      const drawn = Buffer.alloc(16, 0x55)
      drawn.set([first, second])
      const { serialNumber } = new X509Certificate(selfSigned([], drawn).certificate)
      assert.ok(serialNumber >= '4' && serialNumber < '8', serialNumber)
      assert.equal(serialNumber.slice(2), drawn.toString('hex').slice(2).toUpperCase())
    }
  }
})
