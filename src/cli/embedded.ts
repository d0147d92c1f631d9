// The embedded Kinesis of `serve` and `kinesis`: opened on its part of the data directory, its
// streams made, its port taken.

import { createSecureContext } from 'node:tls'
import { below, type Host, type Log, messageOf, urlHost } from '../host/index.ts'
import {
  faultRandomOf,
  type Listening,
  listen,
  readTextFile,
  selfSigned,
  type TlsIdentity,
} from '../host/node/index.ts'
import { EmbeddedKinesis, type KinesisConfig, type KinesisHost } from '../kinesis/index.ts'
import { cannot, usageError } from './exit.ts'

const PORT_NAME = '--kinesis-port; of "headgate kinesis", --port'
const TLS_PORT_NAME = '--kinesis-tls-port; of "headgate kinesis", --tls-port'

export interface EmbeddedOptions {
  readonly config: KinesisConfig
  readonly streams: readonly { readonly name: string; readonly shards: number }[]
  readonly host: string
  readonly port: number
  /** Null: no TLS. */
  readonly tls: TlsOptions | null
}

export interface TlsOptions {
  readonly port: number
  /** Files; none: a certificate of our own. */
  readonly certificate: string
  readonly key: string
}

export interface Embedded {
  readonly endpoint: string
  /** Null: no TLS. */
  readonly tlsEndpoint: string | null
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
  const identity = options.tls === null ? null : identityOf(options.tls, options.host)
  const kinesis = await openKinesis(parts, options, log)
  const ports: Listening[] = []
  const close = async () => {
    await Promise.all(ports.map((listening) => listening.close(CLOSE_GRACE_MS)))
    await kinesis.close()
  }
  const take = async (port: number, tls: TlsIdentity | null) => {
    const listening = await takePort(kinesis, options.host, { port, tls }).catch(async (error) => {
      await close()
      throw error
    })
    ports.push(listening)
    return `${tls === null ? 'http' : 'https'}://${urlHost(options.host)}:${listening.port}`
  }
  const endpoint = await take(options.port, null)
  const tlsEndpoint = options.tls === null ? null : await take(options.tls.port, identity)
  return { endpoint, tlsEndpoint, close }
}

/** Of the files that are named, or one that is made now. */
function identityOf({ certificate, key }: TlsOptions, host: string): TlsIdentity {
  if (certificate === '' && key === '') return selfSigned([host])
  if (certificate === '' || key === '') {
    throw usageError('Of kinesis.tlsCertificate and kinesis.tlsKey one is missing: say both.')
  }
  const identity = { certificate: textOf(certificate), key: textOf(key) }
  try {
    createSecureContext({ cert: identity.certificate, key: identity.key })
  } catch (error) {
    throw usageError(`${certificate} and ${key} do not belong together: ${messageOf(error)}`)
  }
  return identity
}

function textOf(file: string): string {
  try {
    return readTextFile(file, 'utf8')
  } catch (error) {
    throw usageError(`Cannot read ${file}: ${messageOf(error)}`)
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

async function takePort(
  kinesis: EmbeddedKinesis,
  host: string,
  { port, tls }: { readonly port: number; readonly tls: TlsIdentity | null },
): Promise<Listening> {
  try {
    return await listen(kinesis, { host, port, tls, http2: true })
  } catch (error) {
    const name = tls === null ? PORT_NAME : TLS_PORT_NAME
    throw cannot(`The embedded Kinesis cannot listen on ${host}:${port}`, error, name)
  }
}
