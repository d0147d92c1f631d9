// headgate/kinesis: an embedded Kinesis for tests and single machines.

import { type Partly, readConfig } from '../config/index.ts'
import { type Disk, type Log, MemoryDisk, silentLog, urlHost } from '../host/index.ts'
import {
  faultRandomOf,
  listen,
  NodeClock,
  NodeDisk,
  NodeRandom,
  selfSigned,
  type TlsIdentity,
} from '../host/node/index.ts'
import {
  EmbeddedKinesis,
  type Fault,
  type FaultKind,
  type KinesisConfig,
  kinesisFields,
} from '../kinesis/index.ts'
import { apart } from './apart.ts'
import { checkObject, checkTextIfSaid } from './check.ts'

export { ConfigError } from '../config/index.ts'
export { ServiceError } from '../kinesis/index.ts'
export type { Fault, FaultKind, KinesisConfig, Log, TlsIdentity }

export interface KinesisServerOptions extends Partly<typeof kinesisFields> {
  /** Where data is kept; in memory only when there is none. One process at a time. */
  readonly dataDirectory?: string
  /** Bytes that memory holds when there is no directory; 1 GiB unless told otherwise. */
  readonly memoryMaxBytes?: number
  /** 127.0.0.1 unless told otherwise. */
  readonly host?: string
  /** 0, any free port, unless told otherwise. */
  readonly port?: number
  /** Also over TLS, with this certificate and key (PEM); `true`: with one that is made now. */
  readonly tls?: boolean | TlsIdentity
  /** 0, any free port, unless told otherwise. */
  readonly tlsPort?: number
  /** Streams to make when they are not there, by name, with their number of shards. */
  readonly streams?: Readonly<Record<string, number>>
  /** Where warnings go; nowhere unless told otherwise. */
  readonly log?: Log
}

export interface KinesisServer {
  /** For the `endpoint` of any AWS SDK. */
  readonly endpoint: string
  /** The same over TLS; null without. */
  readonly tlsEndpoint: string | null
  /** PEM, for clients to trust; null without. */
  readonly certificate: string | null
  /**
   * From here on these faults and no others; their windows and counts begin now. Throws a
   * `ConfigError` that names everything that is wrong, and changes nothing.
   */
  setFaults(faults: readonly Fault[]): void
  /** How often each of the faults has struck since it was set. */
  struckCounts(): readonly number[]
  /** Finishes open requests and stops. */
  close(): Promise<void>
}

const MEMORY_DEFAULT_BYTES = 1024 * 1024 * 1024
const CLOSE_GRACE_MS = 2000
const LOOPBACK = '127.0.0.1'

/**
 * Starts a Kinesis that every AWS SDK can talk to, with any credentials:
 *
 *     const kinesis = await startKinesis({ streams: { orders: 2 } })
 *     const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
 *     const { endpoint } = kinesis
 *     const client = new KinesisClient({ endpoint, region: 'us-east-1', credentials })
 *
 * Rejects with a `ConfigError` that names every setting that is wrong, with a `TypeError` for
 * another option of the wrong type, with a `ServiceError` for a
 * stream that cannot be made, with what the system says for a directory or port that cannot be
 * had; then nothing is left open.
 */
export async function startKinesis(options: KinesisServerOptions = {}): Promise<KinesisServer> {
  checkOptions(options)
  const { dataDirectory, memoryMaxBytes, host, port, streams, tls, tlsPort, ...others } = options
  const { log: given = silentLog, ...settings } = others
  const log = apart(given)
  const config = readConfig(kinesisFields, { overrides: settings })
  const { disk, close } = await openDisk(dataDirectory, memoryMaxBytes ?? MEMORY_DEFAULT_BYTES)
  /** What a stop has to close, the last opened first. */
  const opened = [close]
  const closeAll = async () => {
    for (const close of opened.reverse()) await close()
  }
  try {
    const random = new NodeRandom()
    const world = { clock: new NodeClock(), random, disk, faultRandom: faultRandomOf(config) }
    const kinesis = await EmbeddedKinesis.open(world, config, log)
    opened.push(() => kinesis.close())
    for (const [name, shardCount] of Object.entries(streams ?? {})) {
      await kinesis.createStreamIfAbsent(name, shardCount)
    }
    const address = host ?? LOOPBACK
    const take = async (port: number, identity: TlsIdentity | null) => {
      const listening = await listen(kinesis, { host: address, port, http2: true, tls: identity })
      opened.push(async () => {
        await listening.close(CLOSE_GRACE_MS)
      })
      return `${identity === null ? 'http' : 'https'}://${urlHost(address)}:${listening.port}`
    }
    const identity = identityOf(tls ?? false, address)
    return {
      endpoint: await take(port ?? 0, null),
      tlsEndpoint: identity === null ? null : await take(tlsPort ?? 0, identity),
      certificate: identity?.certificate ?? null,
      setFaults: (faults) => kinesis.setFaults(faults),
      struckCounts: () => kinesis.struckCounts,
      close: closeAll,
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** The settings are looked at where they are read. */
function checkOptions(options: KinesisServerOptions): void {
  checkObject('startKinesis', options)
  checkTextIfSaid('startKinesis: dataDirectory', options.dataDirectory)
  checkTextIfSaid('startKinesis: host', options.host)
  if (options.streams !== undefined) checkObject('startKinesis: streams', options.streams)
}

function identityOf(tls: boolean | TlsIdentity, host: string): TlsIdentity | null {
  if (typeof tls === 'object') return tls
  return tls ? selfSigned([host]) : null
}

async function openDisk(
  directory: string | undefined,
  maxBytes: number,
): Promise<{ disk: Disk; close: () => Promise<void> }> {
  if (directory === undefined) {
    return { disk: new MemoryDisk({ maxBytes }), close: () => Promise.resolve() }
  }
  const disk = await NodeDisk.open(directory)
  return { disk, close: () => disk.close() }
}
