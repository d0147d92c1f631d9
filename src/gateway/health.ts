// What the gateway says of itself.

import type { BodyTaker, HttpAnswer } from '../host/index.ts'
import { json, textAnswer } from './answers.ts'
import type { Door } from './door.ts'
import { metricsText, PROMETHEUS_CONTENT_TYPE } from './metrics-text.ts'
import { merged, mergedMetrics, type PeerReport, ReportsTaker, type WholeReport } from './peers.ts'
import { methodNotAllowed, problem } from './problem.ts'
import { reasonsUnready } from './readiness.ts'
import { snapshotOf } from './snapshot.ts'

/** What is running. */
export interface Build {
  readonly name: string
  readonly version: string
  /** The runtime, such as `node v24.21.0`. */
  readonly runtime: string
}

const SIGNPOST = `Headgate: HTTP in, Kinesis out.

  POST /writeToStream            {"streamName","key","data"}
  POST /mappedIngest/{resource}  any JSON; the partition key is where the mapping says
  GET  /receipts/{id}            what became of a record
  GET  /livez  /readyz           is the process alive, can it take records
  GET  /actuator/health          both, and the disk's parts: as the worst of them
  GET  /actuator/info            what is running
  GET  /actuator/kpl             the producer's configuration, and its lines
  GET  /actuator/kinesis         the ledger, the spool, the dead letters
  GET  /metrics                  all of it for Prometheus
`

export class Health {
  readonly #routes: ReadonlyMap<string, () => HttpAnswer | BodyTaker>

  constructor(door: Door, build: Build) {
    // Of the whole gateway, however many processes it has.
    const whole = (answerOf: (report: WholeReport) => HttpAnswer) => {
      if (door.peers === null) return answerOf({ processes: [reportOf(door)], workers: null })
      return new ReportsTaker(door.peers, (report) => {
        const answer = answerOf(report)
        door.tally.count(answer)
        return answer
      })
    }
    this.#routes = new Map<string, () => HttpAnswer | BodyTaker>([
      ['/', () => textAnswer(SIGNPOST)],
      ['/livez', () => textAnswer('ok')],
      ['/readyz', () => readiness(door)],
      ['/actuator/health', () => health(door)],
      ['/actuator/health/liveness', () => healthAnswer(ALIVE)],
      ['/actuator/health/readiness', () => healthAnswer(readinessHealth(door))],
      ['/actuator/info', () => json(200, { build })],
      ['/actuator/kpl', () => json(200, door.line.describe())],
      ['/actuator/kinesis', () => whole(ledger)],
      ['/metrics', () => whole(metrics)],
    ])
  }

  answer(method: string, path: string): HttpAnswer | BodyTaker {
    const route = this.#routes.get(path)
    if (route === undefined) {
      return problem('not-found', `Nothing is at ${path}; GET / lists what there is.`)
    }
    // The host leaves the body of an answer to HEAD away, not its length.
    return method === 'GET' || method === 'HEAD' ? route() : methodNotAllowed(method, 'GET, HEAD')
  }
}

function readiness(door: Door): HttpAnswer {
  const reasons = reasonsUnready(door)
  return reasons.length === 0
    ? json(200, { status: 'ready' })
    : json(503, { status: 'unready', reasons })
}

/** From bad to good: the whole is as its worst part, as Spring Boot has it. */
const HEALTH_STATUSES = ['DOWN', 'OUT_OF_SERVICE', 'UP'] as const

interface PartHealth {
  readonly status: (typeof HEALTH_STATUSES)[number]
  readonly details?: object
}

function health(door: Door): HttpAnswer {
  const components: Readonly<Record<string, PartHealth>> = {
    liveness: ALIVE,
    readiness: readinessHealth(door),
    ...storeHealth(door),
    ...streamsHealth(door),
  }
  const all = new Set(Object.values(components).map(({ status }) => status))
  const status = HEALTH_STATUSES.find((one) => all.has(one))!
  return healthAnswer({ status, components })
}

const ALIVE: PartHealth = { status: 'UP' }

function readinessHealth(door: Door): PartHealth {
  const reasons = reasonsUnready(door)
  return { status: reasons.length === 0 ? 'UP' : 'OUT_OF_SERVICE', details: { reasons } }
}

function healthAnswer(health: PartHealth & { readonly components?: object }): HttpAnswer {
  return json(health.status === 'UP' ? 200 : 503, health)
}

/**
 * Dead letters without room, and records that the disk does not give, stop nobody who sends, but
 * somebody must look.
 */
function storeHealth({ spool, deadLetters }: Door): Record<string, PartHealth> {
  if (spool === null || deadLetters === null) return {}
  const { state, parkedRecords, unreadableRecords, unreadableFiles } = spool.stats
  const { count, state: room } = deadLetters.stats
  const isGood = state === 'ok' && unreadableFiles === 0
  return {
    spool: {
      status: isGood ? 'UP' : 'DOWN',
      details: { state, unreadableRecords, unreadableFiles },
    },
    deadLetters: {
      status: room === 'ok' ? 'UP' : 'DOWN',
      details: { state: room, count, parkedRecords },
    },
  }
}

/** Records of a stream that refuses them all are kept, but somebody has to change something. */
function streamsHealth({ refused }: Door): Record<string, PartHealth> {
  if (refused === null) return {}
  const list = refused.list()
  return { streams: { status: list.length === 0 ? 'UP' : 'DOWN', details: { refused: list } } }
}

export function reportOf(door: Door): PeerReport {
  return { snapshot: snapshotOf(door), producerMetrics: door.line.prometheusText() }
}

/** The ledger's numbers first and flat: that is what scripts read. */
function ledger({ processes, workers }: WholeReport): HttpAnswer {
  const whole = merged(processes.map(({ snapshot }) => snapshot))
  const { ledger: counts, requests: _, ...rest } = whole
  return json(200, { ...counts, ...rest, processes: processes.length, ...(workers && { workers }) })
}

function metrics({ processes, workers }: WholeReport): HttpAnswer {
  const whole = merged(processes.map(({ snapshot }) => snapshot))
  const producers = mergedMetrics(processes.map(({ producerMetrics }) => producerMetrics))
  const body = metricsText(whole, processes.length, workers) + producers
  return { status: 200, headers: ['content-type', PROMETHEUS_CONTENT_TYPE], body }
}
