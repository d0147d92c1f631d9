// What upkeep could not do on the disk. It is tried again each second, for each segment that waits:
// on a disk that nothing can be removed from, a line for each would fill what is left of it.

import { type Clock, type Log, SeldomLine } from '../host/index.ts'

export class FailedUpkeep {
  readonly #clock: Clock
  readonly #log: Log
  /** By message; of those there are a few. */
  readonly #lines = new Map<string, SeldomLine<object>>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  add(message: string, error: unknown, about: object = {}): void {
    const { message: reason } = error as Error
    const line = this.#lines.get(message) ?? this.#newLine(message)
    this.#lines.set(message, line)
    line.add({ ...about, reason })
  }

  /** Tells what has not been told. */
  flush(): void {
    for (const line of this.#lines.values()) line.flush()
  }

  #newLine(message: string): SeldomLine<object> {
    return new SeldomLine(this.#clock, (failed, last) => {
      this.#log.warn(message, { failed, ...last })
    })
  }
}
