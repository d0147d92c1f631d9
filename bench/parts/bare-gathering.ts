// The least that any producer does for a record, with no line to go through: it hashes the key,
// finds the shard, copies key and data to those of its shard, and keeps one small object until the
// record has settled. Full groups get their MD5, so many of them the SHA-256 of a request, and
// nothing is sent. As many objects are outstanding as the line holds records.

import { createHash } from 'node:crypto'
import { hashKeyOf, type Md5Piece, writeMd5s } from '../../src/wire/index.ts'

export interface BarePlan {
  readonly shardCount: number
  readonly windowCount: number
  /** Records of a group, and groups of a request. */
  readonly groupCount: number
  readonly requestCount: number
  readonly nextKey: () => string
  readonly nextData: () => Buffer
  readonly dataBytes: number
  /** Records that are made before they are added. */
  readonly callCount: number
}

interface Place {
  readonly shardId: string
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
}

type Tell = (place: Place, index: number) => void

/** What has to be kept of a record: whom to tell, and of which one. */
interface Waiting {
  readonly tell: Tell
  readonly index: number
}

/** Of one shard, on the way. Its bytes are used again when they have been sent. */
interface Group {
  readonly bytes: Buffer
  readonly waiting: readonly Waiting[]
}

const HASH_KEY_TOPS = 2 ** 32
const KEY_MAX_BYTES = 32
const MD5_BYTES = 16
/** With so much of the window left it is filled again: as the line is. */
const REFILL_BELOW = 0.75

export function gatherBare(plan: BarePlan, endAtMs: number): number {
  const { windowCount, callCount, nextKey, nextData } = plan
  let settledCount = 0
  const gathering = new Gathering(plan)
  const tell = () => {
    settledCount++
  }
  while (performance.now() < endAtMs) {
    while (gathering.outstandingCount < windowCount) {
      const count = Math.min(callCount, windowCount - gathering.outstandingCount)
      const inputs = Array.from({ length: count }, () => {
        return { partitionKey: nextKey(), data: nextData() }
      })
      for (let index = 0; index < count; index++) gathering.add(inputs[index]!, { tell, index })
    }
    gathering.settleDownTo(REFILL_BELOW * windowCount)
  }
  gathering.settleDownTo(0)
  return settledCount
}

class Gathering {
  outstandingCount = 0
  readonly #plan: BarePlan
  /** Of each shard: its bytes, where they end, and how many records are in them. */
  readonly #bytes: Buffer[]
  readonly #ends: Int32Array
  readonly #counts: Int32Array
  /** One after the other, with room for a group of each shard. */
  readonly #waiting: Waiting[]
  readonly #free: Buffer[] = []
  #request: Group[] = []
  /** Sent and not told, the oldest first. */
  #sent: (readonly Waiting[])[] = []

  constructor(plan: BarePlan) {
    const { shardCount, groupCount } = plan
    this.#plan = plan
    this.#bytes = Array.from({ length: shardCount }, () => this.#newBytes())
    this.#ends = new Int32Array(shardCount)
    this.#counts = new Int32Array(shardCount)
    this.#waiting = new Array<Waiting>(shardCount * groupCount).fill(undefined as never)
  }

  add({ partitionKey, data }: { partitionKey: string; data: Buffer }, waiting: Waiting): void {
    const { shardCount, groupCount } = this.#plan
    const shard = Math.floor((hashKeyOf(partitionKey).w0 / HASH_KEY_TOPS) * shardCount)
    const bytes = this.#bytes[shard]!
    let end = this.#ends[shard]!
    for (let i = 0; i < partitionKey.length; i++) bytes[end++] = partitionKey.charCodeAt(i)
    bytes.set(data, end)
    this.#ends[shard] = end + data.length
    const count = this.#counts[shard]!
    this.#waiting[shard * groupCount + count] = waiting
    this.#counts[shard] = count + 1
    this.outstandingCount++
    if (count + 1 === groupCount) this.#cut(shard)
  }

  /** Tells the oldest; what is still gathered goes when there is nothing else to tell. */
  settleDownTo(count: number): void {
    let told = 0
    while (this.outstandingCount > count) {
      if (told === this.#sent.length) this.#hurry()
      const group = this.#sent[told++]!
      for (let i = 0; i < group.length; i++) {
        const { tell, index } = group[i]!
        tell({ shardId: '', sequenceNumber: '', subSequenceNumber: i }, index)
      }
      this.outstandingCount -= group.length
    }
    this.#sent = this.#sent.slice(told)
  }

  #hurry(): void {
    for (let shard = 0; shard < this.#counts.length; shard++) {
      if (this.#counts[shard]! > 0) this.#cut(shard)
    }
    this.#send()
  }

  #cut(shard: number): void {
    const from = shard * this.#plan.groupCount
    const waiting = this.#waiting.slice(from, from + this.#counts[shard]!)
    const bytes = this.#bytes[shard]!.subarray(0, this.#ends[shard]! + MD5_BYTES)
    this.#request.push({ bytes, waiting })
    this.#bytes[shard] = this.#free.pop() ?? this.#newBytes()
    this.#ends[shard] = 0
    this.#counts[shard] = 0
    if (this.#request.length === this.#plan.requestCount) this.#send()
  }

  #send(): void {
    const pieces = this.#request.map(({ bytes }): Md5Piece => {
      return { bytes, start: 0, end: bytes.length - MD5_BYTES }
    })
    writeMd5s(pieces)
    const sha256 = createHash('sha256')
    for (const { bytes, waiting } of this.#request) {
      sha256.update(bytes)
      this.#free.push(Buffer.from(bytes.buffer, bytes.byteOffset, this.#groupBytes()))
      this.#sent.push(waiting)
    }
    sha256.digest()
    this.#request = []
  }

  #groupBytes(): number {
    const { groupCount, dataBytes } = this.#plan
    return groupCount * (KEY_MAX_BYTES + dataBytes) + MD5_BYTES
  }

  #newBytes(): Buffer {
    return Buffer.allocUnsafeSlow(this.#groupBytes())
  }
}
