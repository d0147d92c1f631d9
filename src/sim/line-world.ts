// The line in a world of faults: clients, gateway, producer, network, embedded Kinesis on a disk,
// and the checkers. Load and faults first; then the faults stop, and everything must come to rest.

import assert from 'node:assert'
import type { HttpAnswer } from '../host/index.ts'
import { checkAnswers } from './answer-checker.ts'
import { GatewayMachine } from './gateway-machine.ts'
import { HttpClient } from './http-client.ts'
import { KinesisMachine } from './kinesis-machine.ts'
import {
  drawLineSettings,
  KINESIS_ORIGIN,
  type LineSettings,
  type Mishap,
  STREAMS,
} from './line-settings.ts'
import { Machine } from './machine.ts'
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
  readonly #gateway: GatewayMachine
  readonly #book: RecordBook
  readonly #wire: WireChecker
  #clients: HttpClient[] = []

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
    this.#gateway = new GatewayMachine(world, this.#network, settings, this.#book)
    this.#kinesis = new KinesisMachine(world, this.#network, {
      origin: KINESIS_ORIGIN,
      config: settings.kinesis,
      diskFaults: settings.diskFaults,
      link: {
        latencyMs: settings.kinesisLatencyMs,
        jitterMs: settings.kinesisLatencyMs,
        bytesPerSecond: settings.kinesisBytesPerSecond,
        faults: settings.kinesisFaults,
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
    this.#gateway.start()
    await this.#load()
    await this.#comeToRest()
    await this.#compareStreams()
    checkAnswers(this.#book)
    return this.#report()
  }

  async #load(): Promise<void> {
    const { clients, loadMs, mishaps } = this.settings
    this.#clients = clients.map((settings, index) => {
      const name = `client ${index}`
      const process = new Machine(this.world, this.#network, { name }).start()
      return new HttpClient({ process, book: this.#book, random: process.random, settings })
    })
    for (const mishap of mishaps) this.#schedule(mishap)
    await this.world.runFor(loadMs)
  }

  #schedule(mishap: Mishap): void {
    this.world.schedule(this.world.nowMs + mishap.atMs, mishap.kind, () => {
      if (mishap.kind === 'wall clock jumps') {
        const { machine } = mishap.machine === 'gateway' ? this.#gateway : this.#kinesis
        machine.jumpWallClock(mishap.byMs)
      } else if (mishap.kind === 'kinesis crashes') this.#kinesis.restart(mishap)
      else this.#gateway.restart(mishap.downMs)
    })
  }

  async #comeToRest(): Promise<void> {
    const { closesWithinMs } = this.settings
    await this.#until(() => this.#gateway.line !== null, 'the gateway is up')
    const { producer, gateway, close } = this.#gateway.line!
    let leftCount: number | null = null
    const tellToClose = (deadlineMs: number) => {
      close(deadlineMs).then((count) => {
        leftCount = count
      }, this.world.fail.bind(this.world))
    }
    if (closesWithinMs !== null) tellToClose(closesWithinMs)
    this.#gateway.stopSources()
    for (const client of this.#clients) client.stop()
    this.world.stopFaults()
    await this.#until(() => this.#book.outstandingCount === 0, 'every record settles')
    await this.#until(() => !this.#clients.some((client) => client.isWaiting), 'clients end')
    if (closesWithinMs === null) tellToClose(PATIENCE_MS)
    await this.#until(() => leftCount !== null, 'the line closes')
    if (closesWithinMs === null) assert(leftCount === 0, `closing left ${leftCount} records`)
    assert(producer.outstandingBytes === 0, `${producer.outstandingBytes} bytes outstanding`)
    assert(gateway.heldBytes === 0, `the gateway holds ${gateway.heldBytes} bytes`)
    assert(gateway.ledger.outstanding === 0, 'the ledger has records outstanding')
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
