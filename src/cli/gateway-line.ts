// The line of a process that serves: assembled on its part of the data directory, and put on its
// port.

import { assembleLine, type Line, openLine, type SpooledLineParts } from '../assemble.ts'
import { partOf } from '../config/index.ts'
import { badRequest, type Peers } from '../gateway/index.ts'
import type { Host, Log } from '../host/index.ts'
import {
  awsCredentials,
  connectionsMax,
  type Listening,
  letHeapGrow,
  listen,
} from '../host/node/index.ts'
import { type CredentialsProvider, clientConfigOf, producerFields } from '../producer/index.ts'
import { cannot } from './exit.ts'
import type { Settings } from './settings.ts'
import { version } from './version.ts'

/** The embedded Kinesis takes any. */
export const LOCAL_KEYS = { accessKeyId: 'local', secretAccessKey: 'local' }

export interface LinePlan {
  readonly settings: Settings
  /** The embedded Kinesis; null when records go to a service. */
  readonly endpoint: string | null
  /** Other processes of the same gateway; null where there are none. */
  readonly peers: Peers | null
}

/** Where the records go. */
export function serviceOf({ settings, endpoint }: Pick<LinePlan, 'settings' | 'endpoint'>): string {
  return endpoint ?? clientConfigOf(partOf(producerFields, settings.producer)).endpoint
}

/**
 * Opens the line on the host's disk, the process's own, and begins to send what is in its spool.
 * Throws an `ExitError` when its files cannot be used.
 */
export async function openGatewayLine(
  host: Host,
  { settings, endpoint, peers }: LinePlan,
  log: Log,
): Promise<Line | SpooledLineParts> {
  letHeapGrow()
  const own = partOf(producerFields, settings.producer)
  const producer = endpoint === null ? own : { ...own, endpoint }
  const credentials: CredentialsProvider =
    endpoint === null ? awsCredentials() : () => Promise.resolve(LOCAL_KEYS)
  const build = { name: 'headgate', version: version(), runtime: `node ${process.version}` }
  const config = { gateway: settings, producer, build }
  const line = settings.spool.enabled
    ? await openSpooled(
        host,
        { ...config, spool: settings, deadLetters: settings.deadLetters },
        credentials,
        log,
        peers,
      )
    : assembleLine(host, config, credentials, log)
  line.start()
  return line
}

export interface PortPlan {
  readonly host: string
  readonly port: number
  /** Other processes listen on it, too. */
  readonly isShared?: boolean
}

/** Throws an `ExitError`, with the line closed, when the port cannot be had. */
export async function takePort(line: Line, plan: PortPlan): Promise<Listening> {
  try {
    const bounds = { maxConnections: connectionsMax(), stallTimeoutMs: 0 }
    return await listen(line.gateway, { ...plan, ...bounds, answerBadRequest: badRequest })
  } catch (error) {
    await line.close(0)
    throw cannot(`The gateway cannot listen on ${plan.host}:${plan.port}`, error)
  }
}

async function openSpooled(...args: Parameters<typeof openLine>): Promise<SpooledLineParts> {
  try {
    const line = await openLine(...args)
    tellOfBacklog(line, args[3])
    return line
  } catch (error) {
    throw cannot('The spool cannot start on its part of the data directory', error)
  }
}

/** Whoever looks after a crash wants to know that nothing is lost, and how much there is to do. */
function tellOfBacklog({ spool }: SpooledLineParts, log: Log): void {
  const { unsettledRecords: records, oldestAgeMs } = spool.stats
  if (records > 0) log.info('records of an earlier start wait to be sent', { records, oldestAgeMs })
}
