// Keeps a number of worker processes alive, each with its own number, and carries questions between
// them. A worker that ends is replaced, and one that says nothing any more is ended; the new one
// has the same number and with it the same directory, so that it takes over what the old one had
// spooled.

import assert from 'node:assert'
import type { Clock, Log, Random, Timer } from '../host/index.ts'
import type { FromWorker, Question, ToWorker } from './messages.ts'
import { Watch } from './watch.ts'

/** A process that was launched. */
export interface WorkerProcess {
  /** Harmless when it has ended. */
  send(message: ToWorker): void
  /** Ends it at once. */
  kill(): void
}

export interface WorkerEvents {
  message(message: FromWorker): void
  /** It has ended, and how: an exit code or a signal. Comes once, last. */
  ended(how: string): void
}

export interface WorkforceOptions {
  readonly count: number
  /** A worker that leaves us without a word for so long is ended; Infinity for none. */
  readonly silenceMaxMs: number
  /** Starts the worker of that number. `port` is null for the first, which chooses it. */
  launch(index: number, port: number | null, events: WorkerEvents): WorkerProcess
  /** Answers what a worker asks. */
  answer(index: number, question: Question): Promise<unknown>
  /** A worker has ended, or is ready, for those who keep something for it. */
  changed?(index: number, isReady: boolean): void
}

/** A worker that ended waits before it is replaced: drawn from 0 to a bound that doubles. */
export const RESTART_FIRST_MS = 200
export const RESTART_MAX_MS = 30_000
/** One that was up for so long is forgiven what was before. */
export const RESTART_FORGIVEN_MS = 60_000
/** A worker that does not answer a question in that time is left out. */
export const ANSWER_TIMEOUT_MS = 2_000
/** How long a worker may take longer than its deadline before it is ended. */
export const STOP_GRACE_MS = 5_000

interface Worker {
  readonly index: number
  process: WorkerProcess | null
  isReady: boolean
  readyAtMs: number
  /** Ends in a row. */
  endCount: number
  restart: Timer | null
  /** What it last answered to each question, for while it is away. */
  readonly lastAnswers: Map<string, unknown>
  left: number
}

interface Asked {
  readonly workers: readonly Worker[]
  readonly question: Question
  readonly answers: Map<number, unknown>
  readonly waitingFor: Set<number>
  readonly timer: Timer
  readonly resolve: (answers: unknown[]) => void
}

/** Thrown by `start`: a worker said why it cannot. */
export class WorkerFailedError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'WorkerFailedError'
  }
}

export class Workforce {
  readonly #host: { readonly clock: Clock; readonly random: Random }
  readonly #options: WorkforceOptions
  readonly #log: Log
  readonly #workers: Worker[]
  readonly #asked = new Map<number, Asked>()
  #askedCount = 0
  #port: number | null = null
  #starting: { resolve(port: number): void; reject(error: Error): void } | null = null
  #stopping: (() => void) | null = null
  #restartCount = 0
  #hungCount = 0
  readonly #watch: Watch

  constructor(
    host: { readonly clock: Clock; readonly random: Random },
    options: WorkforceOptions,
    log: Log,
  ) {
    this.#host = host
    this.#options = options
    this.#log = log
    this.#watch = new Watch(host.clock, options.silenceMaxMs)
    this.#workers = Array.from({ length: options.count }, (_, index) => ({
      index,
      process: null,
      isReady: false,
      readyAtMs: 0,
      endCount: 0,
      restart: null,
      lastAnswers: new Map(),
      left: 0,
    }))
  }

  get readyCount(): number {
    return this.#workers.filter((worker) => worker.isReady).length
  }

  /** How often a worker was replaced. */
  get restartCount(): number {
    return this.#restartCount
  }

  /** How often a worker was ended because it said nothing any more. */
  get hungCount(): number {
    return this.#hungCount
  }

  /**
   * Starts the first worker, which takes the port, then the others. Resolves with the port when all
   * are ready; rejects when one of them cannot start, and then ends them all.
   */
  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject }
      this.#launch(this.#workers[0]!)
    })
  }

  /**
   * Asks every worker. An answer for each that answered in time; for one that did not, or is being
   * replaced, what it last answered to the same question, if anything.
   */
  ask(question: Question): Promise<unknown[]> {
    return this.#askThose(this.#workers, question, ANSWER_TIMEOUT_MS)
  }

  /** Asks one worker; null when it is away or does not answer in time. */
  async askOne(index: number, question: Question, timeoutMs = ANSWER_TIMEOUT_MS): Promise<unknown> {
    const [answer = null] = await this.#askThose([this.#workers[index]!], question, timeoutMs)
    return answer
  }

  /**
   * Tells all workers to finish, and ends those that do not within the deadline and a grace.
   * Resolves with the number of records that they left in memory.
   */
  async stop(deadlineMs: number): Promise<number> {
    const { clock } = this.#host
    const isEnded = new Promise<void>((resolve) => {
      this.#stopping = resolve
    })
    for (const worker of this.#workers) {
      this.#watch.end(worker.index)
      worker.restart?.cancel()
      worker.process?.send({ type: 'stop', deadlineMs })
    }
    const atMs = clock.monotonicMs() + deadlineMs + STOP_GRACE_MS
    const timer = clock.schedule(atMs, () => {
      for (const { index, process } of this.#workers) {
        if (process === null) continue
        this.#log.error('a worker did not stop in time and is ended', { worker: index })
        process.kill()
      }
    })
    this.#whenAllEnded()
    await isEnded
    timer.cancel()
    return this.#workers.reduce((sum, { left }) => sum + left, 0)
  }

  #askThose(workers: readonly Worker[], question: Question, timeoutMs: number): Promise<unknown[]> {
    const { clock } = this.#host
    const id = this.#askedCount++
    return new Promise((resolve) => {
      const ready = workers.filter(({ isReady }) => isReady)
      const timer = clock.schedule(clock.monotonicMs() + timeoutMs, () => this.#tell(id))
      const waitingFor = new Set(ready.map(({ index }) => index))
      this.#asked.set(id, { workers, question, answers: new Map(), waitingFor, timer, resolve })
      for (const { process } of ready) process!.send({ type: 'question', id, question })
      if (ready.length === 0) this.#tell(id)
    })
  }

  #launch(worker: Worker): void {
    assert(worker.process === null, `worker ${worker.index} runs already`)
    worker.restart = null
    const process = this.#options.launch(worker.index, this.#port, {
      message: (message) => this.#onMessage(worker, message),
      ended: (how) => this.#onEnded(worker, how),
    })
    worker.process = process
    const ask = () => process.send({ type: 'ask for life' })
    this.#watch.begin(worker.index, ask, (silentMs) => {
      this.#hungCount++
      this.#log.error('a worker does not answer and is ended', { worker: worker.index, silentMs })
      process.kill()
    })
  }

  #onMessage(worker: Worker, message: FromWorker): void {
    this.#watch.heard(worker.index)
    switch (message.type) {
      case 'alive':
        return
      case 'ready':
        return this.#onReady(worker, message.port)
      case 'failed':
        return this.#onFailed(worker, message.reason)
      case 'stopped':
        worker.left = message.left
        return
      case 'answer':
        return this.#onAnswer(worker, message.id, message.answer)
      case 'question':
        void this.#answer(worker, message.id, message.question)
    }
  }

  #onReady(worker: Worker, port: number): void {
    worker.isReady = true
    worker.readyAtMs = this.#host.clock.monotonicMs()
    this.#options.changed?.(worker.index, true)
    if (this.#starting === null) {
      this.#log.info('a worker that ended is back', { worker: worker.index })
    }
    const isFirst = this.#port === null
    this.#port ??= port
    if (isFirst) for (const other of this.#workers) if (other !== worker) this.#launch(other)
    if (this.readyCount < this.#workers.length) return
    this.#starting?.resolve(this.#port)
    this.#starting = null
  }

  #onFailed(worker: Worker, reason: string): void {
    if (this.#starting === null) {
      this.#log.error('a worker cannot start', { worker: worker.index, reason })
      return
    }
    const { reject } = this.#starting
    this.#starting = null
    void this.stop(0).then(() => reject(new WorkerFailedError(reason)))
  }

  #onEnded(worker: Worker, how: string): void {
    const { clock, random } = this.#host
    const nowMs = clock.monotonicMs()
    if (worker.isReady && nowMs - worker.readyAtMs >= RESTART_FORGIVEN_MS) worker.endCount = 0
    worker.process = null
    worker.isReady = false
    this.#watch.end(worker.index)
    this.#options.changed?.(worker.index, false)
    this.#expectNoAnswer(worker)
    if (this.#stopping !== null) return this.#whenAllEnded()
    if (this.#starting !== null) {
      return this.#onFailed(worker, `Worker ${worker.index} ended before it was ready: ${how}.`)
    }
    const boundMs = Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** worker.endCount++)
    const waitMs = random.below(boundMs)
    this.#restartCount++
    this.#log.error('a worker ended and is replaced', { worker: worker.index, how, waitMs })
    worker.restart = clock.schedule(nowMs + waitMs, () => this.#launch(worker))
  }

  #whenAllEnded(): void {
    if (this.#workers.some(({ process }) => process !== null)) return
    this.#stopping?.()
  }

  async #answer(worker: Worker, id: number, question: Question): Promise<void> {
    const { process } = worker
    const answer = await this.#options.answer(worker.index, question).catch(() => null)
    // To the one that has asked, and not to a successor.
    process?.send({ type: 'answer', id, answer })
  }

  #onAnswer(worker: Worker, id: number, answer: unknown): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    asked.answers.set(worker.index, answer)
    asked.waitingFor.delete(worker.index)
    if (isKept(asked.question)) worker.lastAnswers.set(asked.question.about, answer)
    if (asked.waitingFor.size === 0) this.#tell(id)
  }

  #expectNoAnswer(worker: Worker): void {
    for (const [id, { waitingFor }] of [...this.#asked]) {
      if (waitingFor.delete(worker.index) && waitingFor.size === 0) this.#tell(id)
    }
  }

  #tell(id: number): void {
    const { workers, question, answers, timer, resolve } = this.#asked.get(id)!
    this.#asked.delete(id)
    timer.cancel()
    const told: unknown[] = []
    for (const { index, lastAnswers } of workers) {
      const answer = answers.has(index) ? answers.get(index) : lastOf(lastAnswers, question)
      if (answer !== undefined) told.push(answer)
    }
    resolve(told)
  }
}

/** Only answers that do not depend on a detail are worth keeping, and few enough. */
function isKept({ detail }: Question): boolean {
  return detail === ''
}

function lastOf(lastAnswers: ReadonlyMap<string, unknown>, question: Question): unknown {
  return isKept(question) ? lastAnswers.get(question.about) : undefined
}
