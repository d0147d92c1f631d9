// A link that several transfers share at the same time, as TCP connections do: not one after the
// other, and not quite fairly. So what they carry arrives in no rhythm, sometimes several at once
// and sometimes for seconds nothing. The longest waits of the experiments come from that.

import type { Timer } from '../host/index.ts'
import type { LabWorld } from './lab-world.ts'

export interface Transfer {
  /** Ends it before its time; the others have its part of the link from then on. */
  stop(): void
}

interface Open {
  /** What a transfer of weight 1 has been given when this one has all that it needs. */
  readonly doneAtBytes: number
  readonly weight: number
  readonly sequence: number
  readonly done: () => void
}

export class SharedLink {
  readonly #world: LabWorld
  readonly #bytesPerMs: number
  readonly #open = new Set<Open>()
  /** Bytes that a transfer of weight 1 which was there from the beginning would have been given. */
  #givenBytes = 0
  #givenAtMs = 0
  #weights = 0
  #sequence = 0
  #timer: Timer | null = null
  #carriedBytes = 0

  constructor(world: LabWorld, bytesPerSecond: number) {
    this.#world = world
    this.#bytesPerMs = bytesPerSecond / 1000
  }

  /** Of transfers that have ended by themselves. */
  get carriedBytes(): number {
    return this.#carriedBytes
  }

  /** `weight`: its part of the link, beside the others'. */
  carry(bytes: number, weight: number, done: () => void): Transfer {
    this.#give()
    const transfer: Open = {
      doneAtBytes: this.#givenBytes + bytes / weight,
      weight,
      sequence: this.#sequence++,
      done: () => {
        this.#carriedBytes += bytes
        done()
      },
    }
    this.#open.add(transfer)
    this.#weights += weight
    this.#wake()
    return {
      stop: () => {
        this.#give()
        if (this.#forget(transfer)) this.#wake()
      },
    }
  }

  #give(): void {
    const { nowMs } = this.#world
    if (this.#weights > 0) {
      this.#givenBytes += ((nowMs - this.#givenAtMs) * this.#bytesPerMs) / this.#weights
    }
    this.#givenAtMs = nowMs
  }

  #wake(): void {
    this.#timer?.cancel()
    this.#timer = null
    const next = this.#next()
    if (next === null) return
    const leftBytes = Math.max(0, next.doneAtBytes - this.#givenBytes)
    const atMs = this.#world.nowMs + (leftBytes * this.#weights) / this.#bytesPerMs
    this.#timer = this.#world.schedule(atMs, () => this.#end(next))
  }

  #next(): Open | null {
    let next: Open | null = null
    for (const transfer of this.#open) {
      if (next === null || isBefore(transfer, next)) next = transfer
    }
    return next
  }

  #end(transfer: Open): void {
    this.#give()
    // Computed anew and not summed up, so that fractions lost on the way do not add up.
    this.#givenBytes = transfer.doneAtBytes
    this.#forget(transfer)
    this.#wake()
    transfer.done()
  }

  #forget(transfer: Open): boolean {
    if (!this.#open.delete(transfer)) return false
    // Exactly zero when it was the last one, whatever fractions were added before.
    this.#weights = this.#open.size === 0 ? 0 : this.#weights - transfer.weight
    return true
  }
}

function isBefore(a: Open, b: Open): boolean {
  if (a.doneAtBytes !== b.doneAtBytes) return a.doneAtBytes < b.doneAtBytes
  return a.sequence < b.sequence
}
