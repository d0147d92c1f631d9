import type { Clock } from './clock.ts'
import type { Disk } from './disk.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'

/** All that the outside lends us; Node's in `node/`, the simulated one in the room `sim`. */
export interface Host {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly disk: Disk
}
