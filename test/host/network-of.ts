import type { TestContext } from 'node:test'
import { NodeClock, NodeNetwork, type NodeNetworkOptions } from '../../src/host/node/index.ts'

export const clock = new NodeClock()

/** A network that is closed when the test ends. */
export function networkOf(
  t: TestContext,
  options: Omit<NodeNetworkOptions, 'clock'> = {},
): NodeNetwork {
  const network = new NodeNetwork({ clock, ...options })
  t.after(() => network.close())
  return network
}
