// What `serve` has opened, whether one process serves or several.

import { urlHost } from '../host/index.ts'
import type { Admin } from './admin.ts'
import type { ServeFacts } from './banner.ts'
import type { Embedded } from './embedded.ts'
import { serviceOf } from './gateway-line.ts'
import type { Settings } from './settings.ts'

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

/** What every way of serving says of itself. */
export function factsOf(
  settings: Settings,
  embedded: Embedded | null,
  found: { readonly port: number; readonly admin: Admin | null },
): ServeFacts {
  const endpoint = embedded?.endpoint ?? null
  return {
    gateway: `http://${urlHost(settings.host)}:${found.port}`,
    admin: found.admin?.url ?? null,
    kinesis: endpoint,
    kinesisTls: embedded?.tlsEndpoint ?? null,
    service: serviceOf({ settings, endpoint }),
    data: settings.data,
    streams: settings.kinesis.streams.map((stream) => stream.name),
    ack: settings.ack.default,
    isSpooled: settings.spool.enabled,
    workers: settings.workers,
  }
}
