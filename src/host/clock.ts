// Time, as the outside lends it. Everything that waits asks here, so that a simulated world can
// make an hour pass in a second.

export interface Clock {
  /** Milliseconds since some fixed moment, with a fraction; never goes back: for deadlines. */
  monotonicMs(): number
  /** Milliseconds since the Unix epoch; may jump. Only for timestamps that leave the process. */
  wallMs(): number
  /**
   * Runs `task` once, not before the monotonic clock shows `atMs`. An instant in the past means
   * as soon as the caller has returned, never during this call.
   */
  schedule(atMs: number, task: () => void): Timer
}

export interface Timer {
  /** The task will not run. Harmless when it already did. */
  cancel(): void
}

/** Resolves when the monotonic clock shows `atMs`; for now or earlier, at the end of this turn. */
export function until(clock: Clock, atMs: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(atMs, resolve))
}
