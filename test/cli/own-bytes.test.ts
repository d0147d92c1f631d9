// Many connections to a running gateway with an embedded Kinesis in the same process: all read into
// the same memory, and every record must come out as its own client sent it, in the stream and
// among the dead letters.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { readAll } from '../docs/read-all.ts'
import { type Running, serving, temporaryDirectory } from './program.ts'

interface Sent {
  readonly stream: string
  readonly key: string
  readonly data: string
  readonly receipt: string
}

/** Text that says all along whose it is. */
const dataOf = (name: string, sizeBytes: number) => `${name}.`.repeat(sizeBytes).slice(0, sizeBytes)

async function dial(served: Running): Promise<Socket> {
  const { port } = new URL(served.facts['gateway']!)
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}

function requestOf({ stream, key, data }: Omit<Sent, 'receipt'>, idempotencyKey: string): Buffer {
  const body = JSON.stringify({ streamName: stream, key, data })
  return Buffer.from(
    'POST /writeToStream HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n' +
      `idempotency-key: ${idempotencyKey}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
}

/** The status and the receipt of what comes until the gateway closes. */
async function answerOf(socket: Socket): Promise<{ status: string; receipt: string }> {
  let text = ''
  for await (const bytes of socket) text += bytes
  // A client that has ended its side is told now and again that its request is being worked on.
  text = text.replaceAll('HTTP/1.1 102 Processing\r\n\r\n', '')
  const receipt = /^headgate-receipt: (\S+)/im.exec(text)?.[1] ?? ''
  return { status: text.slice(9, 12), receipt }
}

/** Sends them on a connection each, cut at another place each, all first parts before the rest. */
async function sendAll(served: Running, records: readonly Omit<Sent, 'receipt'>[]) {
  const sockets = await Promise.all(records.map(() => dial(served)))
  const texts = records.map((record) => requestOf(record, record.key))
  const answers = sockets.map(answerOf)
  const cutOf = (i: number) => 1 + ((i * 7) % (texts[i]!.length - 1))
  for (const [i, socket] of sockets.entries()) socket.write(texts[i]!.subarray(0, cutOf(i)))
  for (let i = 0; i < 5; i++) await turn()
  for (const [i, socket] of sockets.entries()) socket.end(texts[i]!.subarray(cutOf(i)))
  return Promise.all(answers)
}

async function settled({ facts }: Running): Promise<void> {
  for (;;) {
    const answer = await fetch(`${facts['gateway']}/actuator/kinesis`)
    if (((await answer.json()) as { outstanding: number }).outstanding === 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('each record comes out as its client sent it, whoever else was sending', async (context) => {
  const served = await serving(temporaryDirectory(context))
  context.after(() => served.stop('SIGKILL'))
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const endpoint = served.facts['kinesis']!
  const sdk = new KinesisClient({ endpoint, region: 'us-east-1', credentials })
  context.after(() => sdk.destroy())
  await sdk.send(new CreateStreamCommand({ StreamName: 'there', ShardCount: 4 }))
  const records = Array.from({ length: 300 }, (_, i) => {
    const sizeBytes = i % 10 === 0 ? 20_000 + 300 * i : 20 + i
    const stream = i % 5 === 3 ? 'missing' : 'there'
    return { stream, key: `k${i}`, data: dataOf(`k${i}`, sizeBytes) }
  })

  const first = await sendAll(served, records)
  const again = await sendAll(served, records)
  const others = records.map((record) => ({ ...record, data: dataOf('o', record.data.length) }))
  const other = await sendAll(served, others)
  await settled(served)

  assert.deepEqual(new Set(first.map(({ status }) => status)), new Set(['200']))
  assert.deepEqual(again, first)
  assert.deepEqual(new Set(other.map(({ status }) => status)), new Set(['422']))
  const sent = records.map((record, i) => ({ ...record, receipt: first[i]!.receipt }))
  const found = (await readAll(sdk, 'there')).map(({ partitionKey, data }) => [
    partitionKey,
    Buffer.from(data).toString(),
  ])
  const there = sent.filter(({ stream }) => stream === 'there')
  assert.deepEqual(new Map(found as [string, string][]), new Map(there.map((r) => [r.key, r.data])))
  assert.equal(found.length, there.length)
  for (const { stream, key, data, receipt } of sent) {
    if (stream === 'there') continue
    const answer = await fetch(`${served.facts['admin']}/dead-letters/${receipt}`)
    const letter = (await answer.json()) as Record<string, unknown>
    assert.deepEqual([letter['partitionKey'], letter['data']], [key, data])
  }
})
