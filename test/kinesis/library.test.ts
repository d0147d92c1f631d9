// The library's door: a Kinesis within a process, and what is left of a start that fails.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { startKinesis } from '../../src/library/kinesis.ts'
import { throwingLog, uncaughtOf } from '../uncaught.ts'

async function directoryOf(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-library-'))
  context.after(() => rm(directory, { recursive: true }))
  return directory
}

for (const host of ['127.0.0.1', '::1']) {
  test(`an SDK finds it at its endpoint on ${host}`, async (context) => {
    const kinesis = await startKinesis({ host, streams: { orders: 2 } }).catch(nullWithoutIpv6)
    if (kinesis === null) return
    context.after(() => kinesis.close())
    const client = new KinesisClient({
      endpoint: kinesis.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    })
    context.after(() => client.destroy())

    const { StreamNames } = await client.send(new ListStreamsCommand({}))

    assert.deepEqual(StreamNames, ['orders'])
  })
}

function nullWithoutIpv6(error: NodeJS.ErrnoException): null {
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') return null
  throw error
}

test('a stream that cannot be made is refused in the service’s words', async () => {
  const refused = (name: string, shardCount: number) =>
    assert.rejects(startKinesis({ streams: { [name]: shardCount } }), { name: 'ServiceError' })

  await refused('a b', 1)
  await refused('orders', 0)
  await refused('orders', Number.NaN)
  await refused('orders', 1001)
})

test('a start that fails gives the directory back', async (context) => {
  const dataDirectory = await directoryOf(context)
  const other = await startKinesis()
  context.after(() => other.close())
  const port = Number(new URL(other.endpoint).port)

  await assert.rejects(startKinesis({ dataDirectory, port }), { code: 'EADDRINUSE' })
  await assert.rejects(startKinesis({ dataDirectory, streams: { big: 1001 } }), {
    code: 'LimitExceededException',
  })

  const kinesis = await startKinesis({ dataDirectory })
  await kinesis.close()
})

test('what the log throws comes out by itself, and what was to be done is done', async (t) => {
  const kinesis = await startKinesis({ log: throwingLog })
  t.after(() => kinesis.close())
  const thrown = uncaughtOf(t)

  kinesis.setFaults([{ kind: 'throttle' }])
  await new Promise(setImmediate)

  assert.deepEqual(thrown.map(String), ['Error: thrown by the log'])
  assert.deepEqual(kinesis.struckCounts(), [0])
})
