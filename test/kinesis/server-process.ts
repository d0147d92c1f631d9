// An embedded Kinesis in a process of its own, for tests that kill it: writes its port to stdout.

import { readConfig } from '../../src/config/index.ts'
import { listen, nodeHost } from '../../src/host/node/index.ts'
import { EmbeddedKinesis, kinesisFields } from '../../src/kinesis/index.ts'

const host = await nodeHost({ dataDirectory: process.argv[2]! })
const config = readConfig(kinesisFields, {
  overrides: { limits: false, segmentMaxBytes: 256 * 1024 },
})
const kinesis = await EmbeddedKinesis.open(host, config)
await kinesis.createStreamIfAbsent('s1', 2)
const { port } = await listen(kinesis, { host: '127.0.0.1', port: 0, http2: true })
process.stdout.write(`${port}\n`)
