// The entries of one request on their way into the shards: their frames are laid out in one buffer,
// so that a shard gets its own as a few long pieces of it, and data is copied once.

import type { BufferPool } from '../host/index.ts'
import { hashKeyOf } from '../wire/index.ts'
import { verdictOf } from './admission.ts'
import { isBase64 } from './body-format.ts'
import { FRAME_HEAD_BYTES, sealFrame } from './frame.ts'
import { explicitHashKeyOf, type HashKeyWords } from './hash-key-range.ts'
import type { Call } from './service.ts'
import { type EntryError, INTERNAL_FAILURE } from './service-error.ts'
import type { Shard } from './shard.ts'
import type { Stream } from './stream.ts'

/** An entry that keeps all limits. */
export interface PutEntry {
  readonly partitionKey: string
  readonly keyBytes: number
  readonly hashKey: HashKeyWords
  readonly dataBytes: number
  /** A text is base64 that has not been decoded yet. */
  readonly data: Uint8Array | string
}

export interface StoredEntry {
  readonly shard: Shard
  readonly counter: number
  readonly arrivalAtMs: number
}

export type PutOutcome = StoredEntry | EntryError

export function isStored(outcome: PutOutcome): outcome is StoredEntry {
  return 'shard' in outcome
}

/** The hash key that places an entry, or null when the explicit one is 2^128 or more. */
export function placingKeyOf(partitionKey: string, explicit: string | null): HashKeyWords | null {
  return explicit === null ? hashKeyOf(partitionKey) : explicitHashKeyOf(explicit)
}

export class PutBatch {
  readonly #entries: readonly PutEntry[]
  readonly #memory: BufferPool
  readonly #buffer: Buffer
  /** Where each entry's frame begins, and the end of the last. */
  readonly #starts: number[]

  /** `fill` and `put` are called once, `put` only if `fill` did not fail. */
  constructor(entries: readonly PutEntry[], memory: BufferPool) {
    this.#entries = entries
    const starts = [0]
    let at = 0
    for (const { keyBytes, dataBytes } of entries) {
      at += FRAME_HEAD_BYTES + keyBytes + dataBytes
      starts.push(at)
    }
    this.#starts = starts
    this.#memory = memory
    this.#buffer = memory.take(at)
  }

  /**
   * Puts keys and data in their places; false when some text is not the base64 it was taken for.
   */
  fill(): boolean {
    for (const [index, { partitionKey, keyBytes, data, dataBytes }] of this.#entries.entries()) {
      const keyAt = this.#starts[index]! + FRAME_HEAD_BYTES
      const dataAt = keyAt + keyBytes
      this.#buffer.write(partitionKey, keyAt, 'utf8')
      if (typeof data !== 'string') this.#buffer.set(data, dataAt)
      else {
        const decodedBytes = this.#buffer.write(data, dataAt, dataBytes, 'base64')
        if (!isBase64(data, decodedBytes)) {
          this.#memory.giveBack(this.#buffer)
          return false
        }
      }
    }
    return true
  }

  /**
   * Judges the entries in order and hands the accepted ones to their shards. Resolves when each of
   * them is stored or has failed; the outcomes have the entries' order.
   */
  async put(stream: Stream, { clock, entryFaults }: Call): Promise<PutOutcome[]> {
    const nowMs = clock.monotonicMs()
    const arrivalAtMs = Math.max(0, Math.floor(clock.wallMs()))
    const groups = new Map<Shard, GroupBuilder>()
    const outcomes: PutOutcome[] = []
    for (const [index, entry] of this.#entries.entries()) {
      const shard = stream.shardOf(entry.hashKey)
      const sizeBytes = entry.keyBytes + entry.dataBytes
      const error =
        entryFaults?.before(stream, shard) ?? verdictOf({ stream, shard, sizeBytes }, nowMs)
      if (error !== null) {
        outcomes.push(error)
        continue
      }
      const counter = shard.log.takeCounter()
      const [start, end] = [this.#starts[index]!, this.#starts[index + 1]!]
      sealFrame(this.#buffer, start, end, { counter, arrivalAtMs, keyBytes: entry.keyBytes })
      const group = groups.get(shard) ?? new GroupBuilder(this.#buffer, counter)
      groups.set(shard, group)
      group.add(start, end, counter)
      outcomes.push({ shard, counter, arrivalAtMs })
    }
    const failed = await storeAll(groups, arrivalAtMs)
    this.#memory.giveBack(this.#buffer)
    if (failed.size === 0 && entryFaults === null) return outcomes
    return outcomes.map((outcome) => {
      if (!isStored(outcome)) return outcome
      if (failed.has(outcome.shard)) return INTERNAL_FAILURE
      return entryFaults?.after(stream, outcome.shard) ?? outcome
    })
  }
}

/** Collects the frames that go to one shard; neighbours become one piece. */
class GroupBuilder {
  readonly firstCounter: number
  lastCounter: number
  sizeBytes = 0
  readonly #buffer: Buffer
  readonly #chunks: Buffer[] = []
  #start = 0
  #end = 0

  constructor(buffer: Buffer, firstCounter: number) {
    this.#buffer = buffer
    this.firstCounter = firstCounter
    this.lastCounter = firstCounter
  }

  add(start: number, end: number, counter: number): void {
    if (start !== this.#end) {
      this.#endChunk()
      this.#start = start
    }
    this.#end = end
    this.sizeBytes += end - start
    this.lastCounter = counter
  }

  chunks(): readonly Buffer[] {
    this.#endChunk()
    return this.#chunks
  }

  #endChunk(): void {
    if (this.#end > this.#start) this.#chunks.push(this.#buffer.subarray(this.#start, this.#end))
  }
}

/** The shards that did not store what they were given. */
function storeAll(
  groups: ReadonlyMap<Shard, GroupBuilder>,
  arrivalAtMs: number,
): Promise<ReadonlySet<Shard>> {
  return new Promise((resolve) => {
    const failed = new Set<Shard>()
    let leftCount = groups.size
    if (leftCount === 0) resolve(failed)
    for (const [shard, group] of groups) {
      const { firstCounter, lastCounter, sizeBytes } = group
      const settle = (isKept: boolean) => {
        if (!isKept) failed.add(shard)
        if (--leftCount === 0) resolve(failed)
      }
      const chunks = group.chunks()
      shard.log.put({ chunks, firstCounter, lastCounter, sizeBytes, arrivalAtMs, settle })
    }
  })
}
