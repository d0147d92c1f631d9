// The line in a world of faults: sources, producer, network, embedded Kinesis on a disk, and the
// checkers. Load and faults first; then the faults stop, and everything must come to its end.

import assert from 'node:assert'
import { type HttpAnswer, silentLog } from '../host/index.ts'
import { Producer } from '../producer/index.ts'
import { KinesisMachine } from './kinesis-machine.ts'
import { LibrarySource } from './library-source.ts'
import { drawLineSettings, KINESIS_ORIGIN, type LineSettings, STREAMS } from './line-settings.ts'
import { Machine, type SimProcess } from './machine.ts'
import { RecordBook } from './record-book.ts'
import { SimNetwork } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'
import { StreamChecker } from './stream-checker.ts'
import { StreamReader } from './stream-reader.ts'
import { WireChecker } from './wire-checker.ts'
import { World } from './world.ts'

export interface LineReport {
  readonly digest: string
  readonly eventCount: number
  readonly virtualMs: number
  readonly recordCount: number
  readonly deliveredCount: number
  readonly requestCount: number
}

/** No wait in a drawn world is longer: the longest TTL, and then some. */
const PATIENCE_MS = 300_000

export class LineWorld {
  readonly settings: LineSettings
  readonly world: World
  readonly #network: SimNetwork
  readonly #kinesis: KinesisMachine
  readonly #gateway: Machine
  readonly #book: RecordBook
  readonly #wire: WireChecker

  constructor(seed: number) {
    const world = new World({ seed })
    const settings = drawLineSettings(world.random.fork('settings'))
    this.world = world
    this.settings = settings
    this.#network = new SimNetwork(world)
    this.#book = new RecordBook(({ id, result }) => {
      world.note('settled', id, result!.isDelivered ? 1 : 0)
    })
    this.#wire = new WireChecker(this.#book)
    this.#gateway = new Machine(world, this.#network, { name: 'gateway' })
    this.#kinesis = new KinesisMachine(world, this.#network, {
      origin: KINESIS_ORIGIN,
      config: settings.kinesis,
      diskFaults: settings.diskFaults,
      link: {
        latencyMs: settings.kinesisLatencyMs,
        jitterMs: settings.kinesisLatencyMs,
        bytesPerSecond: settings.kinesisBytesPerSecond,
        faults: settings.networkFaults,
        errorAnswer,
      },
      streams: STREAMS,
      shardCount: settings.shardCount,
    })
    this.#network.inspect(KINESIS_ORIGIN, (request, fate) => this.#wire.check(request, fate))
  }

  /** Lives through the whole world. Rejects with what breaks. */
  async run(): Promise<LineReport> {
    this.#kinesis.start()
    await this.#until(() => this.#kinesis.isUp, 'kinesis starts')
    const process = this.#gateway.start()
    const line = this.#startLine(process)
    await this.#load(process, line)
    await this.#comeToRest(line)
    await this.#compareStreams()
    return this.#report()
  }

  #startLine(process: SimProcess): Producer {
    const { producer: producerConfig, maxOutstandingCount } = this.settings
    const credentials = async () => ({ accessKeyId: 'sim', secretAccessKey: 'sim' })
    const line = new Producer(process, producerConfig, credentials, silentLog)
    this.#book.watch(line)
    this.world.addChecker(() => {
      const { outstandingCount } = line
      assert(outstandingCount === this.#book.outstandingCount, 'the producer miscounts')
      assert(outstandingCount <= maxOutstandingCount, `${outstandingCount} records outstanding`)
    })
    return line
  }

  async #load(process: SimProcess, line: Producer): Promise<void> {
    const { sources, maxOutstandingCount, loadMs, mishaps } = this.settings
    const started = sources.map((settings, index) => {
      const random = this.world.random.fork(`source ${index}`)
      const producer = line
      const book = this.#book
      return new LibrarySource({ process, producer, book, random, settings, maxOutstandingCount })
    })
    for (const mishap of mishaps) this.#schedule(mishap)
    await this.world.runFor(loadMs)
    for (const source of started) source.stop()
    this.world.stopFaults()
  }

  #schedule(mishap: LineSettings['mishaps'][number]): void {
    this.world.schedule(this.world.nowMs + mishap.atMs, mishap.kind, () => {
      if (mishap.kind === 'kinesis crashes') return this.#kinesis.restart(mishap)
      const machine = mishap.machine === 'gateway' ? this.#gateway : this.#kinesis.machine
      machine.jumpWallClock(mishap.byMs)
    })
  }

  async #comeToRest(line: Producer): Promise<void> {
    await this.#until(() => this.#book.outstandingCount === 0, 'every record settles')
    const left = { count: -1 }
    line.close(PATIENCE_MS).then((count) => {
      left.count = count
    })
    await this.#until(() => left.count >= 0, 'the line closes')
    assert(left.count === 0, `the line left ${left.count} records when it closed`)
  }

  /** After a power loss, so that only what is durable counts. */
  async #compareStreams(): Promise<void> {
    this.#kinesis.restart({ isPowerLost: true, downMs: 1, overrides: { limits: false } })
    await this.#until(() => this.#kinesis.isUp, 'kinesis restarts')
    const consumer = new Machine(this.world, this.#network, { name: 'consumer' }).start()
    const reader = new StreamReader(consumer, KINESIS_ORIGIN)
    const checker = new StreamChecker(this.#book)
    let isRead = false
    const read = async () => {
      for (const stream of STREAMS) checker.add(stream, await reader.read(stream))
      isRead = true
    }
    read().catch((error) => this.world.fail(error))
    await this.#until(() => isRead, 'the streams are read')
    checker.check()
  }

  async #until(isReached: () => boolean, what: string): Promise<void> {
    const isDone = await this.world.runUntil(isReached, PATIENCE_MS)
    assert(isDone, `not within ${PATIENCE_MS} ms: ${what}`)
  }

  #report(): LineReport {
    const { records } = this.#book
    return {
      digest: this.world.trace.digest,
      eventCount: this.world.trace.eventCount,
      virtualMs: this.world.nowMs,
      recordCount: records.length,
      deliveredCount: records.filter(({ result }) => result?.isDelivered).length,
      requestCount: this.#wire.requestCount,
    }
  }
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
