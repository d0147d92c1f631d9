// Which part of a shard's limit this producer may use, learned from the shard's own refusals, so
// that producers that know nothing of each other share it.
//
// A refusal takes the share down by a seventh. From there it returns quickly to just below where it
// was refused, stays about there, and then tries ever more boldly: the cubic curve of TCP (RFC
// 9438), whose plateau at "what worked" keeps refusals rare, and whose growth depends on time
// alone, so that those who have little catch up with those who have much. Only time in which
// records waited for the share counts: who sends little learns nothing about the limit.

/** What is left after a refusal. */
const DECREASE = 0.85
/** What is left after the refusal that ends the first doubling, which may be far above. */
const FIRST_DECREASE = 0.5
/**
 * For so long after a refusal others tell nothing new: the shard has to recover, and the others to
 * be refused their part. Without it one had a fifth and the other the rest for up to two minutes.
 */
const HOLD_MS = 250
/**
 * Shares per cubic second. Of the bytes: from an eighth of a shard back to the plateau in 16 s, to
 * all of it, when the others have gone, in 70 s. Chosen with `DECREASE` so that eight producers on
 * one shard have less than 3 % of their records refused; faster curves are refused more, slower
 * ones share less evenly. Of the records twice as fast: each is a thousandth of what a shard takes
 * in a second, where a full aggregate is a twentieth, so refusals cost next to nothing.
 */
export const CUBIC = { bytes: 0.000005, records: 0.00004 } as const
/** Before anything is known; doubled each second until the whole shard or the first refusal. */
const START_SHARE = 0.25
/** Five records, five kilobytes a second: enough to learn that there is more again. */
const LEAST_SHARE = 0.005

export class AdaptiveShare {
  readonly #cubic: number
  #plateau = 1
  /** At the beginning of the curve. */
  #low = START_SHARE
  #isDoubling = true
  /** Time on the curve. */
  #busyMs = 0
  #decreasedAtMs = Number.NEGATIVE_INFINITY

  /** `cubic`: how fast the curve is; one of `CUBIC`. */
  constructor(cubic: number) {
    this.#cubic = cubic
  }

  /** Of the shard's limit, 0.005..1. */
  get value(): number {
    const share = this.#isDoubling ? this.#doubled() : this.#onCurve()
    return Math.min(1, Math.max(LEAST_SHARE, share))
  }

  /** Records waited for the share during this time. */
  busy(elapsedMs: number): void {
    this.#busyMs += elapsedMs
  }

  /** A record was refused. Sent before we last slowed down, or just after, it is nothing new. */
  refused(sentAtMs: number, nowMs: number): void {
    if (sentAtMs <= this.#decreasedAtMs + HOLD_MS) return
    const share = this.value
    const left = this.#isDoubling ? FIRST_DECREASE : DECREASE
    // Refused below the last plateau: others want more, so leave room at once.
    const isLower = !this.#isDoubling && share < this.#plateau
    this.#plateau = isLower ? (share * (1 + left)) / 2 : share
    this.#low = share * left
    this.#isDoubling = false
    this.#busyMs = 0
    this.#decreasedAtMs = nowMs
  }

  #doubled(): number {
    return this.#low * 2 ** (this.#busyMs / 1000)
  }

  #onCurve(): number {
    const plateauAtS = Math.cbrt((this.#plateau - this.#low) / this.#cubic)
    return this.#cubic * (this.#busyMs / 1000 - plateauAtS) ** 3 + this.#plateau
  }
}
