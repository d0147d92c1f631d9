// What was measured: one sample a request, kept in columns, because there are a million of them.

/** One finished request. */
export interface Sample {
  /** When it was sent; in open loop, when it was to be sent. Milliseconds since the run began. */
  readonly startMs: number
  readonly elapsedMs: number
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly thread: number
  /** Threads under way when it ended; in open loop, requests under way. */
  readonly active: number
}

const FIRST_ROOM = 4096

export class Samples {
  #count = 0
  #startMs = new Float64Array(FIRST_ROOM)
  #elapsedMs = new Float64Array(FIRST_ROOM)
  #status = new Uint16Array(FIRST_ROOM)
  #receivedBytes = new Uint32Array(FIRST_ROOM)
  #sentBytes = new Uint32Array(FIRST_ROOM)
  #thread = new Uint32Array(FIRST_ROOM)
  #active = new Uint32Array(FIRST_ROOM)

  get count(): number {
    return this.#count
  }

  add(sample: Sample): void {
    if (this.#count === this.#startMs.length) this.#grow()
    const i = this.#count++
    this.#startMs[i] = sample.startMs
    this.#elapsedMs[i] = sample.elapsedMs
    this.#status[i] = sample.status
    this.#receivedBytes[i] = sample.receivedBytes
    this.#sentBytes[i] = sample.sentBytes
    this.#thread[i] = sample.thread
    this.#active[i] = sample.active
  }

  /** In the order in which they ended. */
  at(i: number): Sample {
    return {
      startMs: this.#startMs[i]!,
      elapsedMs: this.#elapsedMs[i]!,
      status: this.#status[i]!,
      receivedBytes: this.#receivedBytes[i]!,
      sentBytes: this.#sentBytes[i]!,
      thread: this.#thread[i]!,
      active: this.#active[i]!,
    }
  }

  startMs(i: number): number {
    return this.#startMs[i]!
  }

  elapsedMs(i: number): number {
    return this.#elapsedMs[i]!
  }

  status(i: number): number {
    return this.#status[i]!
  }

  /** The response times, shortest first. */
  sortedElapsedMs(): Float64Array {
    return this.#elapsedMs.slice(0, this.#count).sort()
  }

  #grow(): void {
    const room = this.#startMs.length * 2
    this.#startMs = grown(this.#startMs, new Float64Array(room))
    this.#elapsedMs = grown(this.#elapsedMs, new Float64Array(room))
    this.#status = grown(this.#status, new Uint16Array(room))
    this.#receivedBytes = grown(this.#receivedBytes, new Uint32Array(room))
    this.#sentBytes = grown(this.#sentBytes, new Uint32Array(room))
    this.#thread = grown(this.#thread, new Uint32Array(room))
    this.#active = grown(this.#active, new Uint32Array(room))
  }
}

function grown<T extends Float64Array | Uint16Array | Uint32Array>(old: T, room: T): T {
  room.set(old)
  return room
}

/** As JMeter counts: 2xx and 3xx are successes. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 400
}

/** Answers by their status. */
export function statusesOf(samples: Samples): Record<string, number> {
  const counts = new Map<number, number>()
  for (let i = 0; i < samples.count; i++) {
    const status = samples.status(i)
    counts.set(status, (counts.get(status) ?? 0) + 1)
  }
  const sorted = [...counts].sort(([a], [b]) => a - b)
  return Object.fromEntries(sorted.map(([status, count]) => [String(status), count]))
}

export function successesOf(samples: Samples): number {
  let count = 0
  for (let i = 0; i < samples.count; i++) if (isSuccess(samples.status(i))) count++
  return count
}
