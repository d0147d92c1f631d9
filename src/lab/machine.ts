// The machine that load generator and gateway run on: it does one thing at a time.

import type { LabWorld } from './lab-world.ts'

export class BusyMachine {
  readonly #world: LabWorld
  #freeAtMs = 0

  constructor(world: LabWorld) {
    this.#world = world
  }

  /** Takes so much time of the machine, after what it has to do already. */
  spend(ms: number): void {
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#world.nowMs) + ms
  }

  /** Runs `task` when what came before is done and it has had its own time. */
  work(ms: number, task: () => void): void {
    this.spend(ms)
    this.#world.schedule(this.#freeAtMs, task)
  }
}
