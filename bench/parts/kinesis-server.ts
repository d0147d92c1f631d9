// The embedded Kinesis in a process of its own, without the shards' limits.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config/index.ts'
import { listen, nodeHost } from '../../src/host/node/index.ts'
import { EmbeddedKinesis, kinesisFields } from '../../src/kinesis/index.ts'
import { answerCalls } from '../child.ts'

const data = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))

async function start(input: { stream: string; shardCount: number }): Promise<number> {
  const host = await nodeHost({ dataDirectory: data })
  const config = readConfig(kinesisFields, { overrides: { limits: false } })
  const kinesis = await EmbeddedKinesis.open(host, config)
  await kinesis.createStreamIfAbsent(input.stream, input.shardCount)
  const { port } = await listen(kinesis, { host: '127.0.0.1', port: 0, http2: true })
  return port
}

answerCalls({ start })
