// The admin port of `serve`.

import { type HttpService, urlHost } from '../host/index.ts'
import { type Listening, listen } from '../host/node/index.ts'
import { cannot } from './exit.ts'
import { adminPortOf, type Settings } from './settings.ts'

export interface Admin {
  readonly url: string
  close(): Promise<void>
}

const CLOSE_GRACE_MS = 2000

/** Null when it is switched off. Throws an `ExitError` when the port cannot be had. */
export async function openAdmin(service: HttpService, settings: Settings): Promise<Admin | null> {
  const port = adminPortOf(settings)
  if (port === null) return null
  const { host } = settings.admin
  const listening = await takePort(service, host, port)
  return {
    url: `http://${urlHost(host)}:${listening.port}`,
    close: async () => {
      await listening.close(CLOSE_GRACE_MS)
    },
  }
}

async function takePort(service: HttpService, host: string, port: number): Promise<Listening> {
  try {
    return await listen(service, { host, port, maxConnections: CONNECTIONS_MAX_COUNT })
  } catch (error) {
    throw cannot(`The admin address cannot be ${host}:${port}`, error, 'admin.port')
  }
}

const CONNECTIONS_MAX_COUNT = 100
