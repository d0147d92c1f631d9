// The real host, with errors that say what to do.

import { DiskError } from '../host/index.ts'
import {
  DirectoryInUseError,
  type NodeHost,
  type NodeHostOptions,
  networkOptionsOf,
  nodeHost,
} from '../host/node/index.ts'
import { cannot, EXIT, ExitError } from './exit.ts'
import type { Settings } from './settings.ts'

export type NetworkOptions = NonNullable<NodeHostOptions['network']>

/** How to reach the service; the embedded Kinesis is reached directly. */
export function networkOf(producer: Settings['producer'], isEmbedded: boolean): NetworkOptions {
  if (isEmbedded) return { connectTimeoutMs: producer.connectTimeout }
  try {
    return networkOptionsOf(producer)
  } catch (error) {
    throw cannot('Connections to the service cannot be made as configured', error)
  }
}

/** Takes the data directory. Throws `ExitError` when it cannot be had. */
export async function openWorld(data: string, network: NetworkOptions): Promise<NodeHost> {
  try {
    return await nodeHost({ dataDirectory: data, network })
  } catch (error) {
    if (error instanceof DirectoryInUseError) throw new ExitError(EXIT.failed, error.message)
    if (error instanceof DiskError) throw cannot(`The data directory ${data} cannot be used`, error)
    throw error
  }
}

/** How long a process waits for another one that is on its way out of the same directory. */
const TURN_TRIES = 20
const TURN_PAUSE_MS = 500

/** The same, for a process whose predecessor may not have ended yet. */
export async function openWorldInTurn(data: string, network: NetworkOptions): Promise<NodeHost> {
  for (let triesLeft = TURN_TRIES; triesLeft > 1; triesLeft--) {
    try {
      return await nodeHost({ dataDirectory: data, network })
    } catch (error) {
      if (!(error instanceof DirectoryInUseError)) break
      await new Promise((resolve) => setTimeout(resolve, TURN_PAUSE_MS))
    }
  }
  return openWorld(data, network)
}
