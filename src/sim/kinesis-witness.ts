// Stands right before the embedded Kinesis and remembers what it was given and what it promised,
// also where the answer was lost on its way. In the end the streams must hold all that it promised,
// and nothing that it was not given.

import assert from 'node:assert'
import {
  type BodyTaker,
  type HttpAnswer,
  type HttpHead,
  type HttpService,
  headerOf,
  isCut,
} from '../host/index.ts'
import type { KinesisConfig } from '../kinesis/index.ts'
import { decodeAnswer } from '../wire/index.ts'
import { type Incarnation, Incarnations } from './incarnations.ts'
import { checkRate, type TakenEntry } from './rate-checker.ts'
import type { StoredRecord, StoredShard } from './stream-reader.ts'
import { isLanded, type Landed, toldBy } from './told.ts'
import { putRecordsOf } from './wire-checker.ts'
import type { World } from './world.ts'

interface Entry {
  readonly stream: string
  readonly partitionKey: string
  readonly data: Buffer
  readonly arrivedAtMs: number
  /** Of an entry with a place. */
  answeredAtMs: number
  /** The life of the process that took it. */
  readonly life: number
  place: Landed | null
  /** The one that was there when it came. */
  readonly incarnation: Incarnation
  /** Of an entry with a place: the one that was there when it was answered. */
  answeredIn: Incarnation | null
  /** Told to have failed: it may not be there. */
  isRefused: boolean
}

export class KinesisWitness {
  readonly #world: World
  readonly #config: KinesisConfig
  readonly #entries: Entry[] = []
  readonly #promises = new Map<string, Entry>()
  readonly #incarnations = new Incarnations()
  /** What was promised, and is in the streams. */
  readonly #found = new Set<Entry>()
  #life = 0

  constructor(world: World, config: KinesisConfig) {
    this.#world = world
    this.#config = config
  }

  /** The service of a process that has just started, with the witness before it. */
  watch(service: HttpService, streams: readonly string[]): HttpService {
    const life = ++this.#life
    for (const stream of streams) this.#incarnations.learn(service, stream)
    return {
      begin: (head) => {
        const taker = service.begin(head)
        if ('status' in taker) return taker
        const changes = /\.(Create|Delete)Stream$/.test(
          headerOf(head.headers, 'x-amz-target') ?? '',
        )
        return changes ? this.#watchChange(taker, service) : this.#watchTaker(head, taker, life)
      },
    }
  }

  /** Throws when the streams are not what was promised. */
  check(streams: ReadonlyMap<string, readonly StoredShard[]>): void {
    const unpromised = this.#unpromised()
    const promises = this.#lasting()
    for (const [stream, shards] of streams) {
      for (const record of shards.flatMap((shard) => shard.records)) {
        const promised = promises.get(keyOf(stream, record.shardId, record.sequenceNumber))
        if (promised === undefined) takeOne(unpromised, stream, record)
        else {
          this.#found.add(promised)
          checkKept(promised, record)
        }
      }
    }
    for (const [key, promised] of promises) {
      const isThere = this.#found.has(promised) || !this.#mustLast(promised)
      assert(isThere, `what was answered to be stored is gone: ${key}`)
    }
    if (this.#config.limits) this.#checkRates()
  }

  /** Asked after the check: whether what was given that place went with a deleted stream. */
  isGone(stream: string, { shardId, sequenceNumber }: Landed): boolean {
    return this.#entries.some((entry) => {
      const { place } = entry
      const isIts = place?.shardId === shardId && place.sequenceNumber === sequenceNumber
      return isIts && entry.stream === stream && !this.#mustLast(entry) && !this.#found.has(entry)
    })
  }

  /** It came when the stream was there that is there now. */
  #mustLast({ stream, incarnation }: Entry): boolean {
    return incarnation.id === this.#incarnations.of(stream).id
  }

  /** A request that is held up comes to one stream and may act on the next of its name. */
  #mayLast(entry: Entry): boolean {
    const now = this.#incarnations.of(entry.stream)
    return this.#mustLast(entry) || entry.answeredIn?.id === now.id
  }

  /** What was promised, and may be in the streams that there are now. */
  #lasting(): Map<string, Entry> {
    const lasting = [...this.#promises.values()].filter((entry) => this.#mayLast(entry))
    const places = lasting.map(({ stream, place }) => {
      return keyOf(stream, place!.shardId, place!.sequenceNumber)
    })
    assert(new Set(places).size === places.length, 'two records were given the same place')
    return new Map(lasting.map((entry, index) => [places[index]!, entry]))
  }

  #watchChange(taker: BodyTaker, service: HttpService): BodyTaker {
    return {
      maxBodyBytes: taker.maxBodyBytes,
      tooLarge: () => taker.tooLarge(),
      abort: () => taker.abort(),
      end: (body, answer) => {
        const { StreamName: stream } = decodeAnswer('json', body) as { StreamName: string }
        this.#incarnations.begin(stream)
        taker.end(body, (made) => {
          this.#incarnations.learn(service, stream)
          answer(made)
        })
      },
    }
  }

  #watchTaker(head: HttpHead, taker: BodyTaker, life: number): BodyTaker {
    return {
      maxBodyBytes: taker.maxBodyBytes,
      tooLarge: () => taker.tooLarge(),
      abort: () => taker.abort(),
      end: (body, answer) => {
        const entries = this.#entriesOf(head, body, life)
        taker.end(body, (made) => {
          this.#world.guard(() => this.#onAnswer(entries, made))
          answer(made)
        })
      },
    }
  }

  #entriesOf(head: HttpHead, body: Buffer, life: number): Entry[] {
    const put = putRecordsOf(head.headers, body)
    if (put === null) return []
    const { StreamName: stream, Records: records } = put.fields
    const entries = records.map(({ PartitionKey: partitionKey, Data }) => ({
      stream,
      partitionKey,
      data: Buffer.from(Data),
      arrivedAtMs: this.#world.nowMs,
      answeredAtMs: Number.POSITIVE_INFINITY,
      life,
      place: null,
      incarnation: this.#incarnations.of(stream),
      answeredIn: null,
      isRefused: false,
    }))
    this.#entries.push(...entries)
    return entries
  }

  #onAnswer(entries: readonly Entry[], made: HttpAnswer): void {
    // A cut and a 5xx say nothing of what was done before them.
    if (entries.length === 0 || isCut(made) || made.status >= 500) return
    const told = toldBy(made, entries.length)
    for (const [index, entry] of entries.entries()) {
      const one = told[index]!
      if (!isLanded(one)) {
        entry.isRefused = true
        this.#world.note(`kinesis refuses an entry: ${one.code}`)
        continue
      }
      entry.place = one
      entry.answeredAtMs = this.#world.nowMs
      entry.answeredIn = this.#incarnations.of(entry.stream)
      const { number } = entry.incarnation
      const key = `${number} ${keyOf(entry.stream, one.shardId, one.sequenceNumber)}`
      assert(!this.#promises.has(key), `two records were given the place ${key}`)
      this.#promises.set(key, entry)
    }
  }

  /** What was given and never answered, because a crash came between: it may be there, once. */
  #unpromised(): Map<string, Entry[]> {
    const open = this.#entries.filter(({ place, isRefused }) => place === null && !isRefused)
    const byContent = new Map<string, Entry[]>()
    for (const entry of open) {
      const key = contentOf(entry.stream, entry.partitionKey, entry.data)
      const same = byContent.get(key)
      if (same === undefined) byContent.set(key, [entry])
      else same.push(entry)
    }
    return byContent
  }

  #checkRates(): void {
    const { faults, writeBurstMs } = this.#config
    // Without such a fault a shard takes a request's entries in the turn in which it comes.
    const isHeldUp = faults.some((fault) => fault.kind === 'latency' && fault.when !== 'after')
    const shards = new Map<string, TakenEntry[]>()
    for (const { stream, place, life, arrivedAtMs, answeredAtMs, ...entry } of this.#entries) {
      if (place === null) continue
      const { shardId, sequenceNumber } = place
      const key = `${stream} ${shardId} of life ${life}, made ${entry.incarnation.id}`
      const taken = shards.get(key) ?? []
      shards.set(key, taken)
      const sizeBytes = entry.data.length + Buffer.byteLength(entry.partitionKey)
      const untilMs = isHeldUp ? answeredAtMs : arrivedAtMs
      taken.push({ sequenceNumber, sizeBytes, fromMs: arrivedAtMs, untilMs })
    }
    for (const [shard, taken] of shards) checkRate(shard, taken, writeBurstMs)
  }
}

function keyOf(stream: string, shardId: string, sequenceNumber: string): string {
  return `${stream} ${shardId} ${sequenceNumber}`
}

function contentOf(stream: string, partitionKey: string, data: Buffer): string {
  return `${stream} ${partitionKey} ${data.toString('latin1')}`
}

function takeOne(unpromised: Map<string, Entry[]>, stream: string, record: StoredRecord): void {
  const { partitionKey, data, shardId, sequenceNumber } = record
  const entry = unpromised.get(contentOf(stream, partitionKey, data))?.pop()
  const place = keyOf(stream, shardId, sequenceNumber)
  assert(entry !== undefined, `${place} was refused, or never given, and is there`)
}

function checkKept({ partitionKey, data, stream }: Entry, record: StoredRecord): void {
  const isSame = record.partitionKey === partitionKey && record.data.equals(data)
  assert(isSame, `${stream} ${record.shardId} ${record.sequenceNumber} is not what was put there`)
}
