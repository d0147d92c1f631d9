// A worker's end of the channel to the process that supervises it.

import type { FromWorker, Question, ToWorker } from './messages.ts'

export interface WorkerDuties {
  /** Begin; resolves with the port. What it rejects with is told, and the worker ends. */
  start(job: unknown): Promise<number>
  /** Finish; resolves with the number of records that were left in memory. */
  stop(deadlineMs: number): Promise<number>
  /** Answers the supervisor; null when it has nothing to say. */
  answer(question: Question): Promise<unknown>
  /** Everything is said: the process may end, having started or not. */
  end(hasStarted: boolean): void
}

export class WorkerLink {
  readonly #send: (message: FromWorker) => Promise<void>
  readonly #duties: WorkerDuties
  readonly #asked = new Map<number, (answer: unknown) => void>()
  #askedCount = 0

  /** `send` resolves when the message is on its way, also when nobody will get it. */
  constructor(send: (message: FromWorker) => Promise<void>, duties: WorkerDuties) {
    this.#send = send
    this.#duties = duties
  }

  /** Asks the supervisor. */
  ask(question: Question): Promise<unknown> {
    const id = this.#askedCount++
    return new Promise((resolve) => {
      this.#asked.set(id, resolve)
      void this.#send({ type: 'question', id, question })
    })
  }

  /** What came over the channel. */
  receive(message: ToWorker): void {
    switch (message.type) {
      case 'start':
        void this.#start(message.job)
        return
      case 'stop':
        void this.#stop(message.deadlineMs)
        return
      case 'ask for life':
        void this.#send({ type: 'alive' })
        return
      case 'question':
        void this.#answer(message.id, message.question)
        return
      case 'answer':
        this.#asked.get(message.id)?.(message.answer)
        this.#asked.delete(message.id)
    }
  }

  async #start(job: unknown): Promise<void> {
    try {
      await this.#send({ type: 'ready', port: await this.#duties.start(job) })
    } catch (error) {
      await this.#send({ type: 'failed', reason: (error as Error).message })
      this.#duties.end(false)
    }
  }

  async #stop(deadlineMs: number): Promise<void> {
    await this.#send({ type: 'stopped', left: await this.#duties.stop(deadlineMs) })
    this.#duties.end(true)
  }

  async #answer(id: number, question: Question): Promise<void> {
    // Whoever asked is better served by the others' answers than by waiting for one that failed.
    const answer = await Promise.resolve(this.#duties.answer(question)).catch(() => null)
    await this.#send({ type: 'answer', id, answer })
  }
}
