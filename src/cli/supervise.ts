// `serve --workers N`: a process that takes no records itself, keeps N that do, and answers for the
// whole. The embedded Kinesis, if there is one, and the admin address are here.

import { fileURLToPath } from 'node:url'
import { AdminService } from '../dead-letters/index.ts'
import type { PeerReport, WholeReport } from '../gateway/index.ts'
import type { Disk, Log } from '../host/index.ts'
import { canSharePort, launchChild, type NodeHost } from '../host/node/index.ts'
import type { ReceiptState } from '../spool/index.ts'
import {
  type FromWorker,
  KeyRegistry,
  type Question,
  type WorkerEvents,
  WorkerFailedError,
  type WorkerProcess,
  Workforce,
} from '../workers/index.ts'
import { openAdmin } from './admin.ts'
import type { Embedded } from './embedded.ts'
import { EXIT, ExitError } from './exit.ts'
import { DistantDesk, ManyDesks } from './letters-between.ts'
import { factsOf, type Served } from './served.ts'
import type { Settings } from './settings.ts'
import {
  type SentKey,
  SUPERVISOR_KNOWS,
  shareOf,
  WORKER_KNOWS,
  type WorkerJob,
} from './worker-job.ts'

/** The worker's program, beside this one: compiled where this one is. */
const WORKER_PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url),
)
/** An order to a store of dead letters may read and write a lot. */
const LETTERS_TIMEOUT_MS = 60_000

export interface SupervisionPlan {
  readonly settings: Settings
  readonly embedded: Embedded | null
  /**
   * At least `settings.workers`. Those beyond take nothing new: they deliver what is left in the
   * directories of a time with more workers.
   */
  readonly processCount: number
  /** For tests: as where the system cannot share a port. */
  readonly isPortHanded?: boolean
}

/** The numbers of the processes that have a folder in the data directory. */
export async function foldersOf(disk: Disk): Promise<number[]> {
  const numbers = (await disk.list()).map((name) => /^([0-9]{1,3})\//.exec(name)?.[1])
  return [...new Set(numbers.filter((number) => number !== undefined))].map(Number)
}

export async function superviseOn(
  world: NodeHost,
  plan: SupervisionPlan,
  log: Log,
): Promise<Served> {
  const supervisor = new Supervisor(world, plan, log)
  await supervisor.start()
  return {
    facts: supervisor.facts,
    stop: () => supervisor.stop(),
  }
}

class Supervisor {
  readonly #world: NodeHost
  readonly #plan: SupervisionPlan
  readonly #log: Log
  readonly #share: Settings
  readonly #force: Workforce
  readonly #keys: KeyRegistry<SentKey>
  #isShared = true
  #port = 0
  #admin: Awaited<ReturnType<typeof openAdmin>> = null

  constructor(world: NodeHost, plan: SupervisionPlan, log: Log) {
    this.#world = world
    this.#plan = plan
    this.#log = log
    this.#share = shareOf(plan.settings, plan.settings.workers)
    this.#keys = new KeyRegistry({
      known: (key) => this.#known(key),
      hashOf: ({ bodyHash }) => bodyHash,
    })
    const { workerTimeoutMs } = plan.settings
    const options = {
      count: plan.processCount,
      silenceMaxMs: workerTimeoutMs === 'none' ? Number.POSITIVE_INFINITY : workerTimeoutMs,
      launch: (index: number, port: number | null, events: WorkerEvents) =>
        this.#launch(index, port, events),
      answer: (index: number, question: Question) => this.#answer(index, question),
      changed: (index: number, isReady: boolean) => {
        if (isReady) this.#keys.workerReady(index)
        else this.#keys.workerEnded(index)
      },
    }
    this.#force = new Workforce(world, options, log)
  }

  get facts() {
    const { settings, embedded } = this.#plan
    return factsOf(settings, embedded, { port: this.#port, admin: this.#admin })
  }

  async start(): Promise<void> {
    const { settings, isPortHanded = false } = this.#plan
    this.#isShared = !isPortHanded && (await canSharePort(settings.host))
    try {
      this.#port = await this.#force.start()
      if (settings.spool.enabled) await this.#openAdmin()
    } catch (error) {
      if (error instanceof WorkerFailedError) throw new ExitError(EXIT.failed, error.message)
      await this.#force.stop(0)
      throw error
    }
  }

  async stop() {
    const { settings } = this.#plan
    await this.#admin?.close()
    const records = await this.#force.stop(settings.shutdownTimeoutMs)
    return { records, areKept: settings.spool.enabled }
  }

  async #openAdmin(): Promise<void> {
    const { settings, processCount } = this.#plan
    const desks = Array.from({ length: processCount }, (_, index) => {
      const about = WORKER_KNOWS.letters
      return new DistantDesk((detail) =>
        this.#force.askOne(index, { about, detail }, LETTERS_TIMEOUT_MS),
      )
    })
    const { token } = settings.admin
    const service = new AdminService(new ManyDesks(desks), this.#log, token)
    this.#admin = await openAdmin(service, settings)
    if (this.#admin !== null) this.#world.disk.tell(this.#admin.url)
  }

  #launch(index: number, port: number | null, events: WorkerEvents): WorkerProcess {
    const { settings, embedded } = this.#plan
    const child = launchChild(WORKER_PROGRAM, {
      message: (message) => events.message(message as FromWorker),
      ended: events.ended,
    })
    const isExtra = index >= settings.workers
    const listening = isExtra ? 'none' : this.#isShared ? 'shared' : 'handed'
    const endpoint = embedded?.endpoint ?? null
    // A port that is handed round is known by how it was asked for, also when any would do.
    const asked = listening === 'handed' ? null : port
    const job: WorkerJob = { index, settings: this.#share, endpoint, port: asked, listening }
    child.send({ type: 'start', job })
    return { send: (message) => child.send(message), kill: () => child.kill() }
  }

  async #answer(index: number, { about, detail }: Question): Promise<unknown> {
    switch (about) {
      case SUPERVISOR_KNOWS.report:
        return this.#report()
      case SUPERVISOR_KNOWS.receipt:
        return this.#receipt(detail)
      case SUPERVISOR_KNOWS.claim: {
        const { key, bodyHash } = JSON.parse(detail) as { key: string; bodyHash: string }
        return this.#keys.claim(index, key, bodyHash)
      }
      case SUPERVISOR_KNOWS.release:
        return this.#keys.release(index, detail)
      default:
        return null
    }
  }

  async #report(): Promise<WholeReport> {
    const asked = this.#force.ask({ about: WORKER_KNOWS.report, detail: '' })
    const processes = (await asked) as PeerReport[]
    const { readyCount: ready, restartCount: replaced, hungCount: hung } = this.#force
    const wanted = this.#plan.processCount
    return { processes, workers: { wanted, ready, replaced, hung } }
  }

  async #receipt(id: string): Promise<ReceiptState> {
    const answers = await this.#force.ask({ about: WORKER_KNOWS.receipt, detail: id })
    const states = answers.filter((answer) => answer !== null) as ReceiptState[]
    const known = states.find(({ state }) => state !== 'unknown')
    if (known !== undefined) return known
    // One that is away may know it.
    return { state: states.length < this.#plan.processCount ? 'pending' : 'unknown' }
  }

  async #known(key: string) {
    const answers = await this.#force.ask({ about: WORKER_KNOWS.key, detail: key })
    const told = answers.filter((answer) => answer !== null) as { key: SentKey | null }[]
    const entry = told.find((answer) => answer.key !== null)?.key ?? null
    return { entry, isComplete: told.length === this.#plan.processCount }
  }
}
