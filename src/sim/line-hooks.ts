// Where a part of the line's world can be replaced by one that is broken, to see that the checkers
// notice.

import type { Line } from '../assemble.ts'
import type { Disk, HttpService, Network } from '../host/index.ts'
import type { ProducerConfig } from '../producer/index.ts'

export interface LineHooks {
  readonly kinesis: (service: HttpService) => HttpService
  readonly kinesisDisk: (disk: Disk) => Disk
  readonly nodeDisk: (disk: Disk) => Disk
  readonly gateway: (service: HttpService) => HttpService
  /** As the producers use it. */
  readonly network: (network: Network) => Network
  /** The settings that a producer has; the checkers go by those that it should have. */
  readonly producer: (config: ProducerConfig) => ProducerConfig
  readonly line: (line: Line) => void
}

export const NO_HOOKS: LineHooks = {
  kinesis: (service) => service,
  kinesisDisk: (disk) => disk,
  nodeDisk: (disk) => disk,
  gateway: (service) => service,
  network: (network) => network,
  producer: (config) => config,
  line() {},
}
