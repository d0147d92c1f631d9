// A worker of `serve --workers`: launched by the supervisor, told over the channel what to do. It
// has a directory, a spool and a producer of its own, and shares the port with the others.

import { join } from 'node:path'
import type { Line, SpooledLineParts } from '../assemble.ts'
import type { Claim, IdempotencyKeys, Peers, WholeReport } from '../gateway/index.ts'
import { connectToParent, type Listening } from '../host/node/index.ts'
import type { KnownIdempotency, ReceiptState } from '../spool/index.ts'
import { type KeyClaim, type Question, type ToWorker, WorkerLink } from '../workers/index.ts'
import { EXIT } from './exit.ts'
import { openGatewayLine, takePort } from './gateway-line.ts'
import { answerAboutLetters } from './letters-between.ts'
import { stderrLog } from './log.ts'
import { type SentKey, SUPERVISOR_KNOWS, WORKER_KNOWS, type WorkerJob } from './worker-job.ts'
import { networkOf, openWorldInTurn } from './world.ts'

/** How long connections with an answer on its way are left to read it. */
const CLOSE_GRACE_MS = 2000

interface Work {
  readonly line: Line | SpooledLineParts
  stop(deadlineMs: number): Promise<number>
}

let work: Work | null = null
let isStopped: Promise<number> | null = null

const send = connectToParent((message) => link.receive(message as ToWorker))

const link = new WorkerLink(send, {
  start: async (job) => begin(job as WorkerJob),
  stop: stopOnce,
  answer: async (question) => (work === null ? null : answerOf(work.line, question)),
  end: (hasStarted) => process.exit(hasStarted ? EXIT.good : EXIT.failed),
})

// Ctrl-C and the end of a terminal reach every process of it; the supervisor decides. A worker that
// is told to end by itself finishes, and is replaced.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
process.on('SIGTERM', () => void stopOnce(CLOSE_GRACE_MS).then(() => process.exit(EXIT.good)))

async function begin({ index, settings, endpoint, port, listening }: WorkerJob): Promise<number> {
  const log = stderrLog(settings.logLevel, { worker: index })
  const directory = join(settings.data, String(index))
  // The one before it may still be on its way out.
  const world = await openWorldInTurn(directory, networkOf(settings.producer, endpoint !== null))
  const line = await openGatewayLine(world, { settings, endpoint, peers }, log)
  let door: Listening | null = null
  if (listening !== 'none') {
    const isShared = listening === 'shared'
    const plan = { host: settings.host, port: port ?? settings.port, isShared }
    door = await takePort(line, plan)
  }
  work = {
    line,
    stop: async (deadlineMs) => {
      const left = await line.close(deadlineMs)
      await door?.close(CLOSE_GRACE_MS)
      await world.close()
      return left
    },
  }
  return door?.port ?? port ?? 0
}

function stopOnce(deadlineMs: number): Promise<number> {
  isStopped ??= work?.stop(deadlineMs) ?? Promise.resolve(0)
  return isStopped
}

async function answerOf(line: Line | SpooledLineParts, question: Question): Promise<unknown> {
  const { about, detail } = question
  if (about === WORKER_KNOWS.report) return line.gateway.report()
  if (!('spool' in line)) return null
  if (about === WORKER_KNOWS.receipt) return line.spool.receipt(detail)
  if (about === WORKER_KNOWS.letters) return answerAboutLetters(line.office, detail)
  if (about !== WORKER_KNOWS.key) return null
  const entry = line.spool.idempotency(detail)
  return { key: entry === null ? null : sentKey(entry) }
}

const keys: IdempotencyKeys = {
  claim(key, bodyHash, told) {
    const asked = { key, bodyHash: Buffer.from(bodyHash).toString('base64') }
    void ask(SUPERVISOR_KNOWS.claim, JSON.stringify(asked)).then((claim) => {
      told(claimOf(claim as KeyClaim<SentKey> | null))
    })
  },
  release(key) {
    void ask(SUPERVISOR_KNOWS.release, key)
  },
}

const NOTHING: WholeReport = { processes: [], workers: null }

const peers: Peers = {
  report: async () => ((await ask(SUPERVISOR_KNOWS.report)) ?? NOTHING) as WholeReport,
  receipt: async (id) =>
    ((await ask(SUPERVISOR_KNOWS.receipt, id)) ?? { state: 'pending' }) as ReceiptState,
  keys,
}

function ask(about: string, detail = ''): Promise<unknown> {
  return link.ask({ about, detail })
}

/** Who cannot be asked may know the key: it is as if the first request had no answer yet. */
function claimOf(claim: KeyClaim<SentKey> | null): Claim {
  if (claim === null) return { kind: 'running' }
  if (claim.kind !== 'known') return claim
  const { bodyHash, ...rest } = claim.entry
  return { kind: 'known', entry: { ...rest, bodyHash: Buffer.from(bodyHash, 'base64') } }
}

function sentKey({ bodyHash, ...rest }: KnownIdempotency): SentKey {
  return { ...rest, bodyHash: Buffer.from(bodyHash).toString('base64') }
}
