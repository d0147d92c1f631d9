// One place where the workers of a gateway ask for idempotency keys, so that a request that is sent
// again gets its first answer also when another worker gets it.

/** What a worker is told of a key that it asked for. */
export type KeyClaim<Entry> =
  /** Nobody had it; whoever asked gives it back. */
  | { readonly kind: 'mine' }
  /** A request with it has not been answered yet, or a worker that may know it is away. */
  | { readonly kind: 'running' }
  /** It stands for another request. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'known'; readonly entry: Entry }

export interface KeyRegistryOptions<Entry> {
  /**
   * What the workers have kept under a key; null when none of them has. `isComplete` is false when
   * some worker did not answer.
   */
  known(key: string): Promise<{ readonly entry: Entry | null; readonly isComplete: boolean }>
  /** The hash of the request that an entry stands for. */
  hashOf(entry: Entry): string
}

interface Holder {
  readonly worker: number
  readonly bodyHash: string
  /** Its worker has ended: what was kept of the request shows when the next one is ready. */
  isOrphaned: boolean
}

export class KeyRegistry<Entry> {
  readonly #options: KeyRegistryOptions<Entry>
  /** Bounded by the requests that the workers have open. */
  readonly #holders = new Map<string, Holder>()

  constructor(options: KeyRegistryOptions<Entry>) {
    this.#options = options
  }

  /** Keys that are held. */
  get size(): number {
    return this.#holders.size
  }

  async claim(worker: number, key: string, bodyHash: string): Promise<KeyClaim<Entry>> {
    const held = this.#holders.get(key)
    if (held !== undefined) return { kind: held.bodyHash === bodyHash ? 'running' : 'mismatch' }
    // Held while the others are asked: two that ask at once must not both get it.
    const holder: Holder = { worker, bodyHash, isOrphaned: false }
    this.#holders.set(key, holder)
    const { entry, isComplete } = await this.#options.known(key)
    if (entry === null && isComplete) return { kind: 'mine' }
    if (this.#holders.get(key) === holder) this.#holders.delete(key)
    if (entry === null) return { kind: 'running' }
    return this.#options.hashOf(entry) === bodyHash
      ? { kind: 'known', entry }
      : { kind: 'mismatch' }
  }

  release(worker: number, key: string): void {
    if (this.#holders.get(key)?.worker === worker) this.#holders.delete(key)
  }

  /** A worker has ended, and with it the requests that held keys. */
  workerEnded(worker: number): void {
    for (const holder of this.#holders.values()) {
      if (holder.worker === worker) holder.isOrphaned = true
    }
  }

  /** A worker is ready: it knows what its predecessor had kept, and nobody holds those keys. */
  workerReady(worker: number): void {
    for (const [key, holder] of this.#holders) {
      if (holder.worker === worker && holder.isOrphaned) this.#holders.delete(key)
    }
  }
}
