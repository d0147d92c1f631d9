// By which road each record failed: the codes of its attempts, in order, each once.

import { type RecordResult, UserRecord } from '../record/index.ts'

export class FailureRoads {
  readonly #counts = new Map<string, number>()
  readonly #onFailure: () => void

  /** Told of each failed record. */
  constructor(onFailure: () => void) {
    this.#onFailure = onFailure
  }

  /** Looks at everything that the producer takes over from here on. */
  watch(producer: { put(record: UserRecord): void }): void {
    const put = producer.put.bind(producer)
    const note = (result: RecordResult) => this.#note(result)
    function settle(this: UserRecord, result: RecordResult): void {
      if (!result.isDelivered) note(result)
      UserRecord.prototype.settle.call(this, result)
    }
    producer.put = (record) => {
      record.settle = settle
      put(record)
    }
  }

  /** The most travelled first. */
  list(): { readonly road: string; readonly count: number }[] {
    return [...this.#counts]
      .map(([road, count]) => ({ road, count }))
      .sort((a, b) => b.count - a.count || (a.road < b.road ? -1 : 1))
  }

  #note({ attempts }: RecordResult): void {
    this.#onFailure()
    const steps: string[] = []
    for (const { code, message } of attempts) {
      const step = code === 'Expired' ? (message ?? code) : (code ?? 'delivered')
      if (step !== steps.at(-1)) steps.push(step)
    }
    const road = steps.join(' → ')
    this.#counts.set(road, (this.#counts.get(road) ?? 0) + 1)
  }
}
