// So many records and bytes a second for those who use a mapping. Counted in whole millionths, so
// that nothing is gained or lost by rounding: one per second and microsecond is one millionth.

export interface QuotaConfig {
  readonly recordsPerSecond?: number | undefined
  readonly bytesPerSecond?: number | undefined
}

const MILLIONTHS = 1_000_000

/** What comes in a second; as much is saved up while nobody takes any. */
class Bucket {
  readonly #perSecond: number
  #millionths: number

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#millionths = perSecond * MILLIONTHS
  }

  refill(elapsedUs: number): void {
    const most = this.#perSecond * MILLIONTHS
    this.#millionths = Math.min(most, this.#millionths + this.#perSecond * elapsedUs)
  }

  /** How long until so much is there, in microseconds; what is more than fits must find it full. */
  waitUs(amount: number): number {
    const needed = Math.min(amount, this.#perSecond) * MILLIONTHS
    return Math.max(0, Math.ceil((needed - this.#millionths) / this.#perSecond))
  }

  /** May go below nothing, for what is larger than the bucket: the next ones wait for it. */
  take(amount: number): void {
    this.#millionths -= amount * MILLIONTHS
  }
}

export class Quota {
  readonly #records: Bucket | null
  readonly #bytes: Bucket | null
  #atUs: number | null = null

  constructor({ recordsPerSecond, bytesPerSecond }: QuotaConfig) {
    this.#records = recordsPerSecond === undefined ? null : new Bucket(recordsPerSecond)
    this.#bytes = bytesPerSecond === undefined ? null : new Bucket(bytesPerSecond)
  }

  /** How many ms until one may come with so much; 0 for now. Takes nothing. */
  waitMs(records: number, bytes: number, nowMs: number): number {
    this.#refill(nowMs)
    const recordsUs = this.#records?.waitUs(records) ?? 0
    return Math.max(recordsUs, this.#bytes?.waitUs(bytes) ?? 0) / 1000
  }

  /** Takes it, if it is there, else takes nothing and says how many ms to wait. */
  take(records: number, bytes: number, nowMs: number): number {
    const waitMs = this.waitMs(records, bytes, nowMs)
    if (waitMs > 0) return waitMs
    this.#records?.take(records)
    this.#bytes?.take(bytes)
    return 0
  }

  #refill(nowMs: number): void {
    const nowUs = Math.floor(nowMs * 1000)
    const elapsedUs = this.#atUs === null ? 0 : nowUs - this.#atUs
    this.#atUs = nowUs
    this.#records?.refill(elapsedUs)
    this.#bytes?.refill(elapsedUs)
  }
}
