// Every record that asked to enter is somewhere: delivered, failed, turned away, or outstanding.

/** The counts, as `/actuator/kinesis` shows them. */
export interface LedgerCounts {
  /** Records that asked to enter. */
  readonly attempts: number
  /** Delivered. */
  readonly successes: number
  /** Gave up after entering. */
  readonly failures: number
  /** Gave up before entering, because back pressure never let them in. */
  readonly exhausted: number
  /** Neither yet: waiting in line, or in the producer. */
  readonly outstanding: number
}

export class Ledger {
  #attempts = 0
  #successes = 0
  #failures = 0
  #exhausted = 0
  // Counted by itself and not derived, so that the balance can show a record that was lost.
  #outstanding = 0

  get outstanding(): number {
    return this.#outstanding
  }

  attempt(): void {
    this.#attempts++
    this.#outstanding++
  }

  succeed(): void {
    this.#successes++
    this.#outstanding--
  }

  fail(): void {
    this.#failures++
    this.#outstanding--
  }

  exhaust(): void {
    this.#exhausted++
    this.#outstanding--
  }

  counts(): LedgerCounts {
    return {
      attempts: this.#attempts,
      successes: this.#successes,
      failures: this.#failures,
      exhausted: this.#exhausted,
      outstanding: this.#outstanding,
    }
  }

  /** Zero, always; anything else is a record that was lost or counted twice. */
  imbalance(): number {
    return this.#attempts - this.#successes - this.#failures - this.#exhausted - this.#outstanding
  }
}
