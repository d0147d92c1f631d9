// HTTP/2 without TLS on the port that also speaks HTTP/1.1, with Node's client and the official
// SDK.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import type { HttpService } from '../../src/host/index.ts'
import { headerOf } from '../../src/host/index.ts'
import { type ListenOptions, listen } from '../../src/host/node/index.ts'
import { MAX_BODY_BYTES, RecordingService } from './recording-service.ts'

async function start(t: TestContext, options: Partial<ListenOptions> = {}) {
  const service = new RecordingService()
  const listening = await listen(service, { host: '127.0.0.1', port: 0, http2: true, ...options })
  t.after(() => listening.close(0))
  const session = connect(`http://127.0.0.1:${listening.port}`)
  session.on('error', () => {})
  t.after(() => session.destroy())
  return { service, listening, session }
}

async function post(session: ClientHttp2Session, path: string, body: Buffer, length = true) {
  const headers: OutgoingHttpHeaders = { ':method': 'POST', ':path': path, 'x-own': 'v' }
  if (length) headers['content-length'] = body.length
  const stream = session.request(headers)
  stream.on('error', () => {})
  stream.end(body)
  let text = ''
  stream.on('data', (chunk) => {
    text += chunk
  })
  const [answer] = await once(stream, 'response')
  if (!stream.closed) await once(stream, 'close')
  return { status: answer[':status'], header: answer['x-answer'], text }
}

test('a request over HTTP/2 looks like any other to the service', async (t) => {
  const { service, session, listening } = await start(t)
  for (const sizeBytes of [0, 1, 1_600, 100_000, MAX_BODY_BYTES]) {
    for (const length of [true, false]) {
      const body = Buffer.alloc(sizeBytes, 'abcdefgh')
      const answer = await post(session, '/path?q=1', body, length)
      assert.deepEqual(answer, { status: 200, header: 'yes', text: `got ${sizeBytes}` })
      const { head, body: received } = service.requests.at(-1)!
      assert.deepEqual([head.method, head.target], ['POST', '/path?q=1'])
      assert.equal(headerOf(head.headers, 'host'), `127.0.0.1:${listening.port}`)
      assert.equal(headerOf(head.headers, 'x-own'), 'v')
      assert.ok(head.headers.every((text, i) => i % 2 === 1 || !text.startsWith(':')))
      assert.ok(received.equals(body))
      assert.ok(received.buffer.byteLength <= 1.25 * received.length)
    }
  }
  assert.equal(service.abortCount, 0)
})

test('a body beyond the bound is answered 413, said beforehand or not', async (t) => {
  const { session } = await start(t)
  for (const length of [true, false]) {
    const answer = await post(session, '/', Buffer.alloc(MAX_BODY_BYTES + 1), length)
    assert.deepEqual([answer.status, answer.text], [413, 'too large'])
  }
  assert.equal((await post(session, '/', Buffer.alloc(3))).text, 'got 3')
})

test('a refusal by the head alone leaves the session usable', async (t) => {
  const { session } = await start(t)
  assert.equal((await post(session, '/refuse', Buffer.alloc(100_000))).status, 429)
  assert.equal((await post(session, '/', Buffer.alloc(3))).status, 200)
})

test('a service may cut a request in the place of an answer; the session goes on', async (t) => {
  const { session, listening, service } = await start(t)
  const held = post(session, '/hold', Buffer.from('a'))
  for (const path of ['/cut', '/cut-late']) {
    const stream = session.request({ ':method': 'POST', ':path': path })
    stream.on('response', () => assert.fail('no answer comes'))
    stream.end('abc')
    const [error] = await once(stream, 'error')
    assert.equal(error.code, 'ERR_HTTP2_STREAM_ERROR')
    assert.equal(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
  }
  await service.until(() => service.requests.length === 2)
  service.release('still there')
  assert.equal((await held).text, 'still there')
  assert.equal(listening.openRequestCount(), 0)
  assert.equal(service.abortCount, 0)
})

test('a client that gives up a request is an abort for the service', async (t) => {
  const { session, service, listening } = await start(t)
  const stream = session.request({ ':method': 'POST', ':path': '/hold' })
  stream.on('error', () => {})
  stream.end('x')
  await service.until(() => service.requests.length === 1)
  stream.close(8)
  await service.until(() => service.abortCount === 1)
  service.release('late')
  assert.equal(listening.openRequestCount(), 0)
})

test('a body that does not come to its end is answered 408', async (t) => {
  const { session, service } = await start(t, { requestTimeoutMs: 50 })
  const stream = session.request({ ':method': 'POST', ':path': '/' })
  stream.on('error', () => {})
  stream.write('abc')
  const [answer] = await once(stream, 'response')
  assert.equal(answer[':status'], 408)
  assert.equal(service.abortCount, 1)
})

test('an answer for which an idle client opens no window is given up, a refusal as well', async (t) => {
  const { listening, session } = await start(t, { stallTimeoutMs: 50 })
  const settings = { initialWindowSize: 0 }
  const idle = connect(`http://127.0.0.1:${listening.port}`, { settings })
  t.after(() => idle.destroy())
  const refused = idle.request({ ':path': '/refuse' })
  refused.on('error', () => {})
  // Held requests of another client take as long each.
  for (let i = 0; i < 40 && !refused.closed; i++) {
    const held = session.request({ ':path': '/hold' })
    held.on('error', () => {})
    await once(held, 'close')
  }
  assert.equal(refused.rstCode, constants.NGHTTP2_CANCEL)
})

test('closing finishes the open requests of both protocols', async (t) => {
  const { session, service, listening } = await start(t)
  const overHttp2 = post(session, '/hold', Buffer.from('a'))
  const overHttp1 = fetch(`http://127.0.0.1:${listening.port}/hold`, { method: 'POST', body: 'b' })
  await service.until(() => service.requests.length === 2)
  const closed = listening.close(60_000)
  service.release('held')
  assert.equal((await overHttp2).text, 'held')
  assert.equal(await (await overHttp1).text(), 'held')
  assert.equal(await closed, 0)
})

test('closing cuts a session whose request is not answered in time', async (t) => {
  const { session, service, listening } = await start(t)
  session
    .request({ ':method': 'POST', ':path': '/hold' })
    .on('error', () => {})
    .end('x')
  await service.until(() => service.requests.length === 1)
  assert.equal(await listening.close(20), 1)
  assert.equal(service.abortCount, 1)
})

test('60 calls at once of the official client in its default setting come through', async (t) => {
  const seen: { target: string | null; records: number }[] = []
  const service: HttpService = {
    begin: (head) => ({
      maxBodyBytes: 10_000_000,
      end(body, answer) {
        const { Records } = JSON.parse(String(body))
        seen.push({ target: headerOf(head.headers, 'x-amz-target'), records: Records.length })
        const entry = { ShardId: 'shardId-000000000000', SequenceNumber: '1' }
        const answerBody = { FailedRecordCount: 0, Records: Records.map(() => entry) }
        answer({
          status: 200,
          headers: ['content-type', 'application/x-amz-json-1.1'],
          body: JSON.stringify(answerBody),
        })
      },
      tooLarge: () => ({ status: 413, headers: [], body: '' }),
      abort() {},
    }),
  }
  const listening = await listen(service, { host: '127.0.0.1', port: 0, http2: true })
  t.after(() => listening.close(0))
  const client = new KinesisClient({
    endpoint: `http://127.0.0.1:${listening.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  t.after(() => client.destroy())

  const Records = Array.from({ length: 20 }, (_, i) => ({
    Data: Buffer.alloc(50_000, i),
    PartitionKey: `${i}`,
  }))
  const put = () => client.send(new PutRecordsCommand({ StreamName: 's', Records }))
  const answers = await Promise.all(Array.from({ length: 60 }, put))

  assert.ok(answers.every((answer) => answer.Records?.length === 20))
  assert.equal(seen.length, 60)
  assert.ok(seen.every(({ target }) => target === 'Kinesis_20131202.PutRecords'))
})
