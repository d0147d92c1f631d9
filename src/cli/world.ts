// The real host, with errors that say what to do.

import { DiskError } from '../host/index.ts'
import { DirectoryInUseError, type NodeHost, nodeHost } from '../host/node/index.ts'
import { cannot, EXIT, ExitError } from './exit.ts'

/** Takes the data directory. Throws `ExitError` when it cannot be had. */
export async function openWorld(data: string, connectTimeoutMs: number): Promise<NodeHost> {
  try {
    return await nodeHost({ dataDirectory: data, network: { connectTimeoutMs } })
  } catch (error) {
    if (error instanceof DirectoryInUseError) throw new ExitError(EXIT.failed, error.message)
    if (error instanceof DiskError) throw cannot(`The data directory ${data} cannot be used`, error)
    throw error
  }
}
