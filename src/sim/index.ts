export { amzDateOf, httpDateOf, wallMsOfAmzDate } from './civil-date.ts'
export {
  type DiskFaults,
  drawNetworkFaults,
  type Fate,
  type NetworkFaults,
  NO_DISK_FAULTS,
  NO_NETWORK_FAULTS,
  NO_SERVICE_FAULTS,
} from './faults.ts'
export type { LineHooks } from './line-hooks.ts'
export { type Difference, type LineOutcome, runOnce, runSeed } from './line-run.ts'
export type { LineSettings, Mishap } from './line-settings.ts'
export { type LineReport, LineWorld } from './line-world.ts'
export { Machine, type MachineOptions, type SimProcess } from './machine.ts'
export { nextTurn } from './next-turn.ts'
export { type Inspector, type Link, SimNetwork } from './sim-network.ts'
export { SimRandom } from './sim-random.ts'
export type { SpoolSettings } from './spool-settings.ts'
export { type SpoolHooks, type SpoolReport, SpoolWorld } from './spool-world.ts'
export { type Checker, World, type WorldOptions } from './world.ts'
