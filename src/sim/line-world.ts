// The line in a world of faults: clients, gateways, producers, network, embedded Kinesis on a disk,
// and the checkers. Load and faults first; then the faults stop, and everything must come to rest.

import assert from 'node:assert'
import { crc32 } from 'node:zlib'
import type { HttpAnswer } from '../host/index.ts'
import { checkAnswers } from './answer-checker.ts'
import { checkSizeRefusals, type RecordSizes } from './attempt-checker.ts'
import { drawLineSettings } from './draw-settings.ts'
import { HttpClient } from './http-client.ts'
import { KinesisMachine } from './kinesis-machine.ts'
import { KinesisWitness } from './kinesis-witness.ts'
import { type LineHooks, NO_HOOKS } from './line-hooks.ts'
import { gatewayOriginOf, KINESIS_ORIGIN, type LineSettings, type Mishap } from './line-settings.ts'
import { Machine } from './machine.ts'
import { NodeMachine } from './node-machine.ts'
import { RecordBook } from './record-book.ts'
import { SimNetwork } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'
import { StreamChecker } from './stream-checker.ts'
import { StreamOperator } from './stream-operator.ts'
import { type StoredShard, StreamReader } from './stream-reader.ts'
import { WireChecker } from './wire-checker.ts'
import { World } from './world.ts'

export interface LineReport {
  readonly digest: string
  readonly eventCount: number
  readonly virtualMs: number
  readonly recordCount: number
  readonly deliveredCount: number
  readonly failedCount: number
  /** In the streams more than once. */
  readonly doubledCount: number
  /** Sent more than once. */
  readonly retriedCount: number
  readonly requestCount: number
  /** Data bytes of what was delivered, once each, and of what was sent beyond that. */
  readonly deliveredBytes: number
  readonly extraBytes: number
  /** How often each kind of event happened. */
  readonly counts: ReadonlyMap<string, number>
}

/** No wait for one record is longer in a drawn world: the longest TTL or debt, and then some. */
const PATIENCE_MS = 300_000

/** After the faults: a stream that was being created is there, a bucket is full again. */
const CALM_MS = 10_000
/** Of a shard, all writers together. */
const SHARD_BYTES_PER_S = 1024 * 1024

export class LineWorld {
  readonly settings: LineSettings
  readonly world: World
  readonly #network: SimNetwork
  readonly #kinesis: KinesisMachine
  readonly #kinesisWitness: KinesisWitness
  readonly #nodes: readonly NodeMachine[]
  readonly #book: RecordBook
  readonly #wire: WireChecker
  readonly #recordSizes: ReadonlyMap<string, RecordSizes>
  readonly #streams: StreamChecker
  readonly #operator: StreamOperator
  #clients: HttpClient[] = []

  /** The seed decides the settings, too, unless they are given. */
  constructor(seed: number, hooks: Partial<LineHooks> = {}, given?: LineSettings) {
    const world = new World({ seed })
    const settings = given ?? drawLineSettings(world.random.fork('settings'))
    const nowMs = () => world.nowMs
    const allHooks = { ...NO_HOOKS, ...hooks }
    this.world = world
    this.settings = settings
    this.#network = new SimNetwork(world)
    this.#book = new RecordBook(world)
    this.#recordSizes = recordSizesOf(settings)
    this.#wire = new WireChecker(this.#book, nowMs, this.#recordSizes)
    this.#streams = new StreamChecker(this.#book)
    this.#kinesisWitness = new KinesisWitness(world, settings.kinesis)
    this.#kinesis = this.#makeKinesis(allHooks)
    this.#nodes = settings.nodes.map((node) => {
      const shared = { world, network: this.#network, book: this.#book, hooks: allHooks }
      return new NodeMachine({ ...shared, settings: node })
    })
    const operator = new Machine(world, this.#network, { name: 'operator' }).start()
    this.#operator = new StreamOperator(world, operator, KINESIS_ORIGIN)
    this.#network.inspect(KINESIS_ORIGIN, (request, fate) => this.#wire.begin(request, fate))
  }

  /** Lives through the whole world. Rejects with what breaks. */
  async run(): Promise<LineReport> {
    this.#kinesis.start()
    await this.#until(() => this.#kinesis.isUp, 'kinesis starts')
    for (const node of this.#nodes) node.start()
    await this.#load()
    await this.#comeToRest()
    await this.#compareStreams()
    checkSizeRefusals(this.#book.records, this.#recordSizes)
    checkAnswers(this.#book, (booked) =>
      this.#nodes.some(({ spool }) => spool?.hasLetter(booked) === true),
    )
    return this.#report()
  }

  #makeKinesis(hooks: LineHooks): KinesisMachine {
    const { settings, world } = this
    const { poisonPerMille } = settings.serviceFaults
    return new KinesisMachine(world, this.#network, {
      origin: KINESIS_ORIGIN,
      config: settings.kinesis,
      diskFaults: settings.diskFaults,
      serviceFaults: settings.serviceFaults,
      isPoison: (data) =>
        poisonPerMille > 0 && world.areFaultsOn && crc32(data) % 1_000 < poisonPerMille,
      link: {
        latencyMs: settings.kinesisLatencyMs,
        jitterMs: settings.kinesisLatencyMs,
        bytesPerSecond: settings.kinesisBytesPerSecond,
        faults: settings.kinesisFaults,
        errorAnswer,
      },
      streams: settings.streams,
      witness: this.#kinesisWitness,
      hooks,
    })
  }

  async #load(): Promise<void> {
    const { nodes, loadMs, mishaps } = this.settings
    const all = nodes.flatMap(({ name, clients }) => {
      return clients.map((settings) => ({ origin: gatewayOriginOf(name), settings }))
    })
    this.#clients = all.map(({ origin, settings }, index) => {
      const name = `client-${index}`
      const process = new Machine(this.world, this.#network, { name }).start()
      const { random } = process
      return new HttpClient({ process, origin, book: this.#book, random, settings })
    })
    for (const mishap of mishaps) this.#schedule(mishap)
    await this.world.runFor(loadMs)
  }

  #schedule(mishap: Mishap): void {
    this.world.schedule(this.world.nowMs + mishap.atMs, mishap.kind, () => {
      if (mishap.kind === 'kinesis crashes') return this.#kinesis.restart(mishap)
      if (mishap.kind === 'a stream is resharded') {
        return this.#operator.reshard(mishap.stream, mishap.how)
      }
      if (mishap.kind === 'a stream is made anew') {
        return this.#operator.makeAnew(mishap.stream)
      }
      const node = mishap.node === null ? this.#kinesis : this.#nodes[mishap.node]!
      if (mishap.kind === 'a wall clock jumps') node.machine.jumpWallClock(mishap.byMs)
      else this.#nodes[mishap.node]!.restart(mishap)
    })
  }

  async #comeToRest(): Promise<void> {
    await this.#until(() => this.#nodes.every((node) => node.isUp), 'every node is up')
    const left = new Map<NodeMachine, number>()
    const tellToClose = (node: NodeMachine, deadlineMs: number) => {
      node.close(deadlineMs).then((count) => {
        left.set(node, count)
      }, this.world.fail.bind(this.world))
    }
    for (const client of this.#clients) client.stop()
    for (const node of this.#nodes) {
      const { closesWithinMs } = node.settings
      if (closesWithinMs !== null) tellToClose(node, closesWithinMs)
      node.stopSources()
    }
    this.world.stopFaults()
    this.#kinesis.stopFaults()
    await this.#untilSettled(this.#nodes, 'every record settles')
    await this.#until(() => !this.#clients.some((client) => client.isWaiting), 'clients end')
    // What came late, from a slow network or with a key again, has its turn, too.
    await this.#untilSettled(this.#nodes, 'the last records settle')
    const last = this.#nodes.filter((node) => node.settings.closesWithinMs === null)
    await this.#probe(last)
    for (const node of last) tellToClose(node, PATIENCE_MS)
    await this.#until(() => left.size === this.#nodes.length, 'the lines close')
    for (const node of last) assert(left.get(node) === 0, `closing left ${left.get(node)} records`)
    await this.#until(() => this.#nodes.every((node) => node.isEmpty()), 'nothing is left')
    await this.#until(() => this.#network.openCount === 0, 'no request is under way')
    await this.#reopenSpools()
  }

  /** What was closed, or lost its power thereafter, goes on where it was. */
  async #reopenSpools(): Promise<void> {
    const nodes = this.#nodes.filter(({ spool }) => spool !== null)
    for (const node of nodes) node.restart({ isPowerLost: true, downMs: 1 })
    await this.#until(() => nodes.every((node) => node.isUp), 'spools are opened again')
    await this.#untilSettled(nodes, 'what was left settles')
    let readCount = 0
    for (const node of nodes) {
      node.readSpool().then(() => readCount++, this.world.fail.bind(this.world))
    }
    await this.#until(() => readCount === nodes.length, 'receipts and dead letters are read')
    let closedCount = 0
    for (const node of nodes) {
      node.close(PATIENCE_MS).then((left) => {
        assert(left === 0, `closing again left ${left} records`)
        closedCount++
      }, this.world.fail.bind(this.world))
    }
    await this.#until(() => closedCount === nodes.length, 'the lines close again')
    await this.#until(() => nodes.every((node) => node.isEmpty()), 'nothing is left again')
  }

  /** What has been through everything must still deliver. */
  async #probe(nodes: readonly NodeMachine[]): Promise<void> {
    await this.#until(() => this.#kinesis.isUp, 'kinesis is up')
    await this.#until(() => !this.#operator.isBusy, 'the operator is done')
    await this.world.runFor(CALM_MS + Math.max(0, ...nodes.map(longestDebtMs)))
    for (const { name } of this.settings.streams) {
      // One stream after the other: a line may have room for no more.
      const probes = nodes.map((node) => node.probe(name)).filter((probe) => probe !== null)
      await this.#until(() => probes.every(({ result }) => result !== null), 'the probes settle')
      for (const { id, result } of probes) {
        assert(result!.isDelivered, `probe ${id} failed where nothing goes wrong any more`)
      }
    }
  }

  /** After a power loss, so that only what is durable counts. */
  async #compareStreams(): Promise<void> {
    this.#kinesis.restart({ isPowerLost: true, downMs: 1, overrides: { limits: false } })
    await this.#until(() => this.#kinesis.isUp, 'kinesis restarts')
    const consumer = new Machine(this.world, this.#network, { name: 'consumer' }).start()
    const reader = new StreamReader(consumer, KINESIS_ORIGIN)
    const streams = new Map<string, StoredShard[]>()
    const read = async () => {
      for (const { name } of this.settings.streams) streams.set(name, await reader.read(name))
    }
    read().catch((error) => this.world.fail(error))
    const isRead = () => streams.size === this.settings.streams.length
    await this.#until(isRead, 'the streams are read')
    for (const [name, shards] of streams) this.#streams.add(name, shards)
    this.#kinesisWitness.check(streams)
    this.#streams.check((stream, place) => this.#kinesisWitness.isGone(stream, place))
  }

  async #until(isReached: () => boolean, what: string): Promise<void> {
    const isDone = await this.world.runUntil(isReached, PATIENCE_MS)
    assert(isDone, `not within ${PATIENCE_MS} ms: ${what}`)
  }

  /** However many they are: one record after the other may have to expire, or to pay a debt. */
  async #untilSettled(nodes: readonly NodeMachine[], what: string): Promise<void> {
    const count = () => nodes.reduce((sum, { unsettledCount }) => sum + unsettledCount, 0)
    const isDone = await this.world.runDown(count, PATIENCE_MS)
    assert(isDone, `none within ${PATIENCE_MS} ms: ${what}`)
  }

  #report(): LineReport {
    const { records } = this.#book
    const { trace, nowMs } = this.world
    const delivered = records.filter(({ result }) => result?.isDelivered)
    const extraBytes = ({ data, sendings }: (typeof records)[number]) => {
      return data.length * (sendings.length - 1)
    }
    return {
      deliveredBytes: delivered.reduce((sum, { data }) => sum + data.length, 0),
      extraBytes: delivered.reduce((sum, booked) => sum + extraBytes(booked), 0),
      digest: trace.digest,
      eventCount: trace.eventCount,
      virtualMs: nowMs,
      recordCount: records.length,
      deliveredCount: delivered.length,
      failedCount: records.filter(({ result }) => result?.isDelivered === false).length,
      doubledCount: this.#streams.doubledCount,
      retriedCount: records.filter(({ sendings }) => sendings.length > 1).length,
      requestCount: this.#wire.requestCount,
      counts: trace.counts(),
    }
  }
}

/** By their names, the streams that are made anew included. */
function recordSizesOf({ streams, mishaps }: LineSettings): ReadonlyMap<string, RecordSizes> {
  const sizesOf = new Map<string, RecordSizes>()
  const anew = mishaps.flatMap((one) => (one.kind === 'a stream is made anew' ? [one.stream] : []))
  for (const { name, maxRecordSizeKiB } of [...streams, ...anew]) {
    const bytes = maxRecordSizeKiB * 1024
    const { leastBytes, mostBytes } = sizesOf.get(name) ?? { leastBytes: bytes, mostBytes: bytes }
    sizesOf.set(name, {
      leastBytes: Math.min(leastBytes, bytes),
      mostBytes: Math.max(mostBytes, bytes),
    })
  }
  return sizesOf
}

/** What a load balancer in front of the service says when something behind it goes wrong. */
function errorAnswer(random: SimRandom): HttpAnswer {
  const json = ['content-type', 'application/x-amz-json-1.1']
  return random.pick<HttpAnswer>([
    { status: 500, headers: json, body: '{"__type":"InternalFailure"}' },
    { status: 503, headers: json, body: '{"__type":"ServiceUnavailable"}' },
    { status: 502, headers: ['content-type', 'text/html'], body: '<html>Bad Gateway</html>' },
  ])
}

/** What is larger than a bucket leaves a debt, which its own rate pays. */
function longestDebtMs({ settings: { producer, sources, clients } }: NodeMachine): number {
  const largest = [...sources, ...clients].map(({ dataMaxBytes }) => dataMaxBytes)
  const bytes = Math.max(producer.aggregationMaxSize, ...largest)
  const { rateLimit } = producer
  if (rateLimit === 'adaptive') return 0
  return (bytes * 1000) / ((SHARD_BYTES_PER_S * rateLimit) / 100)
}
