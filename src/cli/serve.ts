// headgate serve: the gateway, with an embedded Kinesis behind it unless AWS is configured.

import type { Line, SpooledLineParts } from '../assemble.ts'
import { AdminService } from '../dead-letters/index.ts'
import { below, type Log } from '../host/index.ts'
import type { NodeHost } from '../host/node/index.ts'
import { type Admin, openAdmin } from './admin.ts'
import { type Embedded, openEmbedded } from './embedded.ts'
import { openGatewayLine, takePort } from './gateway-line.ts'
import { factsOf, type Served } from './served.ts'
import type { Settings } from './settings.ts'
import { foldersOf, superviseOn } from './supervise.ts'
import { networkOf, openWorld } from './world.ts'

/** How long connections with an answer on its way are left to read it. */
const CLOSE_GRACE_MS = 2000
/** The process that serves alone is the first of its kind. */
const OWN_FOLDER = '0'

/** Opens everything, or throws an `ExitError` and leaves nothing open. */
export async function serve(settings: Settings, isEmbedded: boolean, log: Log): Promise<Served> {
  const world = await openWorld(settings.data, networkOf(settings.producer, isEmbedded))
  let embedded: Embedded | null = null
  try {
    if (isEmbedded) embedded = await openEmbedded(world, embeddedOptionsOf(settings), log)
    const processCount = await processCountOf(world, settings)
    const served =
      processCount === 1
        ? await serveOn(world, settings, embedded, log)
        : await superviseOn(world, { settings, embedded, processCount }, log)
    return {
      ...served,
      stop: async () => {
        const leftovers = await served.stop()
        await embedded?.close()
        await world.close()
        return leftovers
      },
    }
  } catch (error) {
    await embedded?.close()
    await world.close()
    throw error
  }
}

export function embeddedOptionsOf(settings: Settings) {
  const { port, tlsPort, tlsCertificate, tlsKey, streams, ...config } = settings.kinesis
  const { host } = settings
  const tls = tlsPort === 'off' ? null : { port: tlsPort, certificate: tlsCertificate, key: tlsKey }
  return { config, streams, host, port, tls }
}

/** As many as are wanted, and those before that may have left something in the data directory. */
async function processCountOf({ disk }: NodeHost, { workers, spool }: Settings): Promise<number> {
  const folders = spool.enabled ? await foldersOf(disk) : []
  return Math.max(workers, ...folders.map((number) => number + 1))
}

async function serveOn(
  world: NodeHost,
  settings: Settings,
  embedded: Embedded | null,
  log: Log,
): Promise<Served> {
  const host = { ...world, disk: below(world.disk, OWN_FOLDER) }
  const endpoint = embedded?.endpoint ?? null
  const line = await openGatewayLine(host, { settings, endpoint, peers: null }, log)
  const listening = await takePort(line, settings)
  const admin = await openAdminOf(line, settings, log).catch(async (error) => {
    await listening.close(0)
    await line.close(0)
    throw error
  })
  if (admin !== null) world.disk.tell(admin.url)
  return {
    facts: factsOf(settings, embedded, { port: listening.port, admin }),
    stop: async () => {
      await admin?.close()
      const records = await line.close(settings.shutdownTimeoutMs)
      await listening.close(CLOSE_GRACE_MS)
      return { records, areKept: settings.spool.enabled }
    },
  }
}

/** What it is for stands in the spool's company: without one there is nothing to administer. */
async function openAdminOf(
  line: Line | SpooledLineParts,
  settings: Settings,
  log: Log,
): Promise<Admin | null> {
  if (!('office' in line)) return null
  return openAdmin(new AdminService(line.office, log, settings.admin.token), settings)
}
