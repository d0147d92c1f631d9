// What a load is sent to: a gateway in a simulated world, or any server over HTTP.

/** How a request ended; status 0 when no answer came. */
export interface Ending {
  readonly status: number
  readonly receivedBytes: number
}

export interface Target {
  /** Bytes of one request as it is written on the connection, head and body. */
  readonly sentBytes: number
  /** Sends one request of one of the load's threads; `done` is called exactly once. */
  send(thread: number, done: (ending: Ending) => void): void
}

/** The load's clock: virtual or real. */
export interface LoadClock {
  nowMs(): number
  schedule(atMs: number, task: () => void): void
}
