import type { Host } from '../host.ts'
import { NodeClock } from './node-clock.ts'
import { NodeDisk } from './node-disk.ts'
import { NodeNetwork, type NodeNetworkOptions } from './node-network.ts'
import { NodeRandom } from './node-random.ts'

export interface NodeHostOptions {
  /** Where the disk's files are; made when there is none. One process at a time. */
  readonly dataDirectory: string
  readonly network?: Omit<NodeNetworkOptions, 'clock'>
}

export interface NodeHost extends Host {
  readonly disk: NodeDisk
  readonly network: NodeNetwork
  /** Gives back connections and directory. */
  close(): Promise<void>
}

/** The real world. Rejects as `NodeDisk.open` does when the directory cannot be had. */
export async function nodeHost({ dataDirectory, network }: NodeHostOptions): Promise<NodeHost> {
  const clock = new NodeClock()
  const disk = await NodeDisk.open(dataDirectory)
  const nodeNetwork = new NodeNetwork({ clock, ...network })
  return {
    clock,
    random: new NodeRandom(),
    network: nodeNetwork,
    disk,
    close() {
      nodeNetwork.close()
      return disk.close()
    },
  }
}
