// A server that is killed in the middle of its work, and started again on the same directory.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'

const WRITER_COUNT = 6
const ENTRY_COUNT = 20
const KILLED_AFTER_ANSWERS = 60
const ROUND_COUNT = 3

interface Server {
  readonly child: ChildProcess
  readonly client: KinesisClient
}

async function startServer(directory: string, context: TestContext): Promise<Server> {
  const module = fileURLToPath(new URL('./server-process.ts', import.meta.url))
  const child = spawn(process.execPath, [module, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  context.after(() => child.kill('SIGKILL'))
  const [port] = await once(child.stdout!, 'data')
  const client = new KinesisClient({
    endpoint: `http://127.0.0.1:${Number(port)}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  })
  context.after(() => client.destroy())
  return { child, client }
}

/** Answered records by shard and sequence number. */
type Answered = Map<string, Buffer>

async function writeUntilKilled({ child, client }: Server, answered: Answered): Promise<void> {
  let answerCount = 0
  const exited = once(child, 'exit')
  const writer = async () => {
    for (;;) {
      const entries = Array.from({ length: ENTRY_COUNT }, () => ({
        PartitionKey: randomBytes(4).toString('hex'),
        Data: randomBytes(500),
      }))
      const command = new PutRecordsCommand({ StreamName: 's1', Records: entries })
      const answer = await client.send(command).catch(() => null)
      if (answer === null) return
      for (const [i, { ShardId, SequenceNumber }] of answer.Records!.entries()) {
        answered.set(`${ShardId} ${SequenceNumber}`, entries[i]!.Data)
      }
      if (++answerCount === KILLED_AFTER_ANSWERS) child.kill('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: WRITER_COUNT }, writer))
  await exited
}

async function readShard(client: KinesisClient, ShardId: string): Promise<Map<string, Buffer>> {
  const start = { StreamName: 's1', ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
  let { ShardIterator } = await client.send(new GetShardIteratorCommand(start))
  const found = new Map<string, Buffer>()
  for (;;) {
    const page = await client.send(new GetRecordsCommand({ ShardIterator }))
    for (const { SequenceNumber, Data } of page.Records!) {
      assert.ok(!found.has(`${ShardId} ${SequenceNumber}`))
      found.set(`${ShardId} ${SequenceNumber}`, Buffer.from(Data!))
    }
    if (page.MillisBehindLatest === 0) return found
    ShardIterator = page.NextShardIterator
  }
}

test('whatever was answered is there after kill -9, byte for byte', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-kill-'))
  context.after(() => rm(directory, { recursive: true }))
  const answered: Answered = new Map()

  for (let round = 0; round < ROUND_COUNT; round++) {
    await writeUntilKilled(await startServer(directory, context), answered)
  }

  const { child, client } = await startServer(directory, context)
  const found = new Map([
    ...(await readShard(client, 'shardId-000000000000')),
    ...(await readShard(client, 'shardId-000000000001')),
  ])
  assert.ok(answered.size >= ROUND_COUNT * KILLED_AFTER_ANSWERS * ENTRY_COUNT)
  for (const [place, data] of answered) assert.deepEqual(found.get(place), data, place)
  child.kill('SIGKILL')
  await once(child, 'exit')
})
