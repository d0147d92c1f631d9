// headgate serve: the gateway, with an embedded Kinesis behind it unless AWS is configured.

import { assembleLine, type Line, openLine, type SpooledLineParts } from '../assemble.ts'
import { partOf } from '../config/index.ts'
import { AdminService } from '../dead-letters/index.ts'
import { badRequest } from '../gateway/index.ts'
import type { Log } from '../host/index.ts'
import { awsCredentials, type Listening, listen, type NodeHost } from '../host/node/index.ts'
import { type CredentialsProvider, clientConfigOf, producerFields } from '../producer/index.ts'
import { type Admin, openAdmin } from './admin.ts'
import type { ServeFacts } from './banner.ts'
import { type Embedded, openEmbedded, urlHost } from './embedded.ts'
import { cannot } from './exit.ts'
import type { Settings } from './settings.ts'
import { version } from './version.ts'
import { networkOf, openWorld } from './world.ts'

export interface Served {
  readonly facts: ServeFacts
  /** Unready first, then what was admitted; resolves with what was left. */
  stop(): Promise<Leftovers>
}

export interface Leftovers {
  readonly records: number
  /** They are in the spool, and the next start goes on with them; else they have failed. */
  readonly areKept: boolean
}

/** The embedded Kinesis takes any. */
export const LOCAL_KEYS = { accessKeyId: 'local', secretAccessKey: 'local' }
/** How long connections with an answer on its way are left to read it. */
const CLOSE_GRACE_MS = 2000

/** Opens everything, or throws an `ExitError` and leaves nothing open. */
export async function serve(settings: Settings, isEmbedded: boolean, log: Log): Promise<Served> {
  const world = await openWorld(settings.data, networkOf(settings.producer, isEmbedded))
  let embedded: Embedded | null = null
  try {
    if (isEmbedded) embedded = await openEmbedded(world, embeddedOptionsOf(settings), log)
    return await serveOn(world, settings, embedded, log)
  } catch (error) {
    await embedded?.close()
    await world.close()
    throw error
  }
}

export function embeddedOptionsOf(settings: Settings) {
  const { port, streams, ...config } = settings.kinesis
  return { config, streams, host: settings.host, port }
}

async function serveOn(
  world: NodeHost,
  settings: Settings,
  embedded: Embedded | null,
  log: Log,
): Promise<Served> {
  const own = partOf(producerFields, settings.producer)
  const producer = embedded === null ? own : { ...own, endpoint: embedded.endpoint }
  const credentials: CredentialsProvider =
    embedded === null ? awsCredentials() : () => Promise.resolve(LOCAL_KEYS)
  const build = { name: 'headgate', version: version(), runtime: `node ${process.version}` }
  const config = { gateway: settings, producer, build }
  const { spool, deadLetters } = settings
  const line = spool.enabled
    ? await openSpooled(world, { ...config, spool: settings, deadLetters }, credentials, log)
    : assembleLine(world, config, credentials, log)
  line.start()
  const listening = await takePort(line, settings)
  const admin = await openAdminOf(line, settings, log).catch(async (error) => {
    await listening.close(0)
    await line.close(0)
    throw error
  })
  return {
    facts: {
      gateway: `http://${urlHost(settings.host)}:${listening.port}`,
      admin: admin?.url ?? null,
      kinesis: embedded?.endpoint ?? null,
      service: clientConfigOf(producer).endpoint,
      data: settings.data,
      streams: settings.kinesis.streams.map((stream) => stream.name),
      ack: settings.ack.default,
      isSpooled: spool.enabled,
    },
    stop: async () => {
      await admin?.close()
      const records = await line.close(settings.shutdownTimeoutMs)
      await listening.close(CLOSE_GRACE_MS)
      await embedded?.close()
      await world.close()
      return { records, areKept: spool.enabled }
    },
  }
}

async function openSpooled(...args: Parameters<typeof openLine>): Promise<SpooledLineParts> {
  try {
    return await openLine(...args)
  } catch (error) {
    throw cannot('The spool cannot start on its part of the data directory', error)
  }
}

/** What it is for stands in the spool's company: without one there is nothing to administer. */
async function openAdminOf(
  line: Line | SpooledLineParts,
  settings: Settings,
  log: Log,
): Promise<Admin | null> {
  return 'office' in line ? openAdmin(new AdminService(line.office, log), settings) : null
}

async function takePort(line: Line, { host, port }: Settings): Promise<Listening> {
  try {
    return await listen(line.gateway, {
      host,
      port,
      answerBadRequest: badRequest,
      stallTimeoutMs: 0,
    })
  } catch (error) {
    await line.close(0)
    throw cannot(`The gateway cannot listen on ${host}:${port}`, error)
  }
}
