// The embedded Kinesis in a process of its own, without the shards' rates, on a disk.

import { readConfig } from '../../src/config/index.ts'
import { listen, nodeHost } from '../../src/host/node/index.ts'
import { EmbeddedKinesis, kinesisFields } from '../../src/kinesis/index.ts'
import { answerCalls } from '../child.ts'

async function start({ dataDirectory }: { dataDirectory: string }): Promise<number> {
  const host = await nodeHost({ dataDirectory })
  const config = readConfig(kinesisFields, { overrides: { limits: false } })
  const kinesis = await EmbeddedKinesis.open(host, config)
  const { port } = await listen(kinesis, { host: '127.0.0.1', port: 0, http2: true })
  return port
}

answerCalls({ start })
