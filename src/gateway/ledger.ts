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
  /** Neither yet: waiting in line, in the spool, or in the producer. */
  readonly outstanding: number
}

/** What is known of the time before: the spool remembers it. */
export interface LedgerStart {
  readonly successes: number
  readonly failures: number
  readonly exhausted: number
  readonly unsettled: number
}

const NOTHING: LedgerStart = { successes: 0, failures: 0, exhausted: 0, unsettled: 0 }

export class Ledger {
  #attempts: number
  #successes: number
  #failures: number
  #exhausted: number
  // Counted by itself and not derived, so that the balance can show a record that was lost.
  #outstanding: number

  constructor({ successes, failures, exhausted, unsettled } = NOTHING) {
    this.#attempts = successes + failures + exhausted + unsettled
    this.#successes = successes
    this.#failures = failures
    this.#exhausted = exhausted
    this.#outstanding = unsettled
  }

  get exhausted(): number {
    return this.#exhausted
  }

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

  /**
   * Zero, always; anything else is a record that was lost or counted twice. `heldCount`: records
   * that are in line, on their way to the disk, in the spool or in the producer, as those count.
   */
  imbalance(heldCount: number): number {
    const ended = this.#successes + this.#failures + this.#exhausted
    return this.#attempts - ended - this.#outstanding || this.#outstanding - heldCount
  }
}
