import type { Md5Piece } from './md5-lanes.ts'

/** Grows in steps of this: few reallocations, little more memory than the largest request. */
const STEP_BYTES = 256 * 1024

/**
 * Memory to write requests into, kept from one request to the next because allocating a large
 * Buffer costs as much as filling it. One for each request under way: what was written is valid
 * until the next use. It grows to the largest request it has carried, with 10 MiB of data to about
 * 14 MiB, and to the largest entry's data beside it in JSON.
 */
export class RequestBuffer {
  /**
   * Where MD5s that a body still lacks are left to whoever sends it, who can write those of several
   * bodies side by side; null to have them written at once.
   */
  readonly lateMd5s: Md5Piece[] | null
  #body: Buffer = Buffer.alloc(0)
  #scratch: Buffer = Buffer.alloc(0)

  constructor(lateMd5s: Md5Piece[] | null = null) {
    this.lateMd5s = lateMd5s
  }

  /** At least `sizeBytes` for the body; holds anything. */
  body(sizeBytes: number): Buffer {
    if (sizeBytes > this.#body.length) this.#body = grown(sizeBytes)
    return this.#body
  }

  /** At least `sizeBytes` for what must be written once before it goes into the body. */
  scratch(sizeBytes: number): Buffer {
    if (sizeBytes > this.#scratch.length) this.#scratch = grown(sizeBytes)
    return this.#scratch
  }
}

function grown(sizeBytes: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.ceil(sizeBytes / STEP_BYTES) * STEP_BYTES)
}
