// Two budgets of one shard, records and bytes, refilled continuously. A cost above the capacity
// waits for a full bucket and leaves a debt: a 10 MiB record can pass a 1 MiB bucket, and pays.

export interface BucketRates {
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
  /** Most records and bytes that an idle shard saves up. */
  readonly maxRecords: number
  readonly maxBytes: number
}

export class TokenBucket {
  #rates: BucketRates
  #records: number
  #bytes: number
  #filledAtMs: number

  constructor(rates: BucketRates, nowMs: number) {
    this.#rates = rates
    this.#records = rates.maxRecords
    this.#bytes = rates.maxBytes
    this.#filledAtMs = nowMs
  }

  /** Other rates from now on; what is saved up stays, as far as there is room for it. */
  setRates(rates: BucketRates, nowMs: number): void {
    this.#refill(nowMs)
    this.#rates = rates
    this.#records = Math.min(this.#records, rates.maxRecords)
    this.#bytes = Math.min(this.#bytes, rates.maxBytes)
  }

  /** Pays for one record of `bytes`, or pays nothing and returns false. */
  tryTake(bytes: number, nowMs: number): boolean {
    this.#refill(nowMs)
    if (this.#records < 1 || this.#bytes < Math.min(bytes, this.#rates.maxBytes)) return false
    this.#records -= 1
    this.#bytes -= bytes
    return true
  }

  /** The instant from which `tryTake(bytes)` can succeed. */
  readyAtMs(bytes: number, nowMs: number): number {
    this.#refill(nowMs)
    const missingRecords = Math.max(0, 1 - this.#records)
    const missingBytes = Math.max(0, Math.min(bytes, this.#rates.maxBytes) - this.#bytes)
    const waitS = Math.max(
      missingRecords / this.#rates.recordsPerSecond,
      missingBytes / this.#rates.bytesPerSecond,
    )
    return nowMs + waitS * 1000
  }

  #refill(nowMs: number): void {
    const elapsedS = (nowMs - this.#filledAtMs) / 1000
    if (elapsedS <= 0) return
    const { recordsPerSecond, bytesPerSecond, maxRecords, maxBytes } = this.#rates
    this.#records = Math.min(maxRecords, this.#records + elapsedS * recordsPerSecond)
    this.#bytes = Math.min(maxBytes, this.#bytes + elapsedS * bytesPerSecond)
    this.#filledAtMs = nowMs
  }
}
