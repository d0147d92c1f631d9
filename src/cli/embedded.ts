// The embedded Kinesis of `serve` and `kinesis`: opened on its part of the data directory, its
// streams made, its port taken.

import { below, type Host, type Log } from '../host/index.ts'
import { faultRandomOf, type Listening, listen } from '../host/node/index.ts'
import { EmbeddedKinesis, type KinesisConfig, type KinesisHost } from '../kinesis/index.ts'
import { cannot } from './exit.ts'

const PORT_NAME = '--kinesis-port; of "headgate kinesis", --port'

export interface EmbeddedOptions {
  readonly config: KinesisConfig
  readonly streams: readonly { readonly name: string; readonly shards: number }[]
  readonly host: string
  readonly port: number
}

export interface Embedded {
  readonly endpoint: string
  close(): Promise<void>
}

/** Its folder in the data directory. */
const FOLDER = 'kinesis'
/** How long open requests may take when it stops; a group commit takes milliseconds. */
const CLOSE_GRACE_MS = 2000

export async function openEmbedded(
  world: Host,
  options: EmbeddedOptions,
  log: Log,
): Promise<Embedded> {
  const { clock, random } = world
  const faultRandom = faultRandomOf(options.config)
  const parts = { clock, random, disk: below(world.disk, FOLDER), faultRandom }
  const kinesis = await openKinesis(parts, options, log)
  const listening = await takePort(kinesis, options)
  return {
    endpoint: `http://${urlHost(options.host)}:${listening.port}`,
    close: async () => {
      await listening.close(CLOSE_GRACE_MS)
      await kinesis.close()
    },
  }
}

async function openKinesis(
  parts: KinesisHost,
  { config, streams }: EmbeddedOptions,
  log: Log,
): Promise<EmbeddedKinesis> {
  try {
    const kinesis = await EmbeddedKinesis.open(parts, config, log)
    for (const { name, shards } of streams) await kinesis.createStreamIfAbsent(name, shards)
    return kinesis
  } catch (error) {
    throw cannot('The embedded Kinesis cannot start on its part of the data directory', error)
  }
}

async function takePort(kinesis: EmbeddedKinesis, options: EmbeddedOptions): Promise<Listening> {
  const { host, port } = options
  try {
    return await listen(kinesis, { host, port, http2: true })
  } catch (error) {
    await kinesis.close()
    throw cannot(`The embedded Kinesis cannot listen on ${host}:${port}`, error, PORT_NAME)
  }
}

/** An address as URLs write it: where clients on this machine reach what listens on it. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
