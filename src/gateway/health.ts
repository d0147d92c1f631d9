// What the gateway says of itself.

import type { HttpAnswer } from '../host/index.ts'
import { json, textAnswer } from './answers.ts'
import type { Door } from './door.ts'
import { methodNotAllowed, problem } from './problem.ts'

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
  GET  /livez  /readyz           is the process alive, can it take records
  GET  /actuator/health          both
  GET  /actuator/info            what is running
  GET  /actuator/kpl             the producer's configuration, and its lines
  GET  /actuator/kinesis         the ledger
`

export class Health {
  readonly #routes: ReadonlyMap<string, () => HttpAnswer>

  constructor(door: Door, build: Build) {
    this.#routes = new Map<string, () => HttpAnswer>([
      ['/', () => textAnswer(SIGNPOST)],
      ['/livez', () => textAnswer('ok')],
      ['/readyz', () => readiness(door)],
      ['/actuator/health', () => health(door)],
      ['/actuator/info', () => json(200, { build })],
      ['/actuator/kpl', () => json(200, door.line.describe())],
      ['/actuator/kinesis', () => json(200, ledger(door))],
    ])
  }

  answer(method: string, path: string): HttpAnswer {
    const route = this.#routes.get(path)
    if (route === undefined) {
      return problem('not-found', `Nothing is at ${path}; GET / lists what there is.`)
    }
    // The host leaves the body of an answer to HEAD away, not its length.
    return method === 'GET' || method === 'HEAD' ? route() : methodNotAllowed(method, 'GET, HEAD')
  }
}

/** Why no record can be taken just now; empty when one can. */
function reasonsUnready(door: Door): string[] {
  const reasons: string[] = []
  const { admission, config } = door
  if (door.isDraining) reasons.push('draining')
  if (door.ledger.imbalance() !== 0) reasons.push('ledger-imbalance')
  if (admission.heldBytes >= config.memory.maxBytes) reasons.push('memory-full')
  const { strategy, threshold, maxWaiting } = config.backpressure
  const isFull = admission.insideCount >= threshold
  const isLineFull = strategy === 'reject' || admission.waitingCount >= maxWaiting
  if (strategy !== 'none' && isFull && isLineFull) reasons.push('back-pressure')
  return reasons
}

function readiness(door: Door): HttpAnswer {
  const reasons = reasonsUnready(door)
  return reasons.length === 0
    ? json(200, { status: 'ready' })
    : json(503, { status: 'unready', reasons })
}

function health(door: Door): HttpAnswer {
  const reasons = reasonsUnready(door)
  const isUp = reasons.length === 0
  return json(isUp ? 200 : 503, {
    status: isUp ? 'UP' : 'OUT_OF_SERVICE',
    components: {
      liveness: { status: 'UP' },
      readiness: { status: isUp ? 'UP' : 'OUT_OF_SERVICE', details: { reasons } },
    },
  })
}

function ledger({ ledger: book, admission }: Door): object {
  return {
    ...book.counts(),
    waiting: admission.waitingCount,
    heldBytes: admission.heldBytes,
    imbalance: book.imbalance(),
  }
}
