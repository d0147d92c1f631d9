// What was answered, counted.

import type { HttpAnswer } from '../host/index.ts'

type Counted = HttpAnswer & { readonly code?: string }

export class Tally {
  readonly #statuses = new Map<number, number>()
  readonly #refusals = new Map<string, number>()
  readonly #onRefusal: (answer: Counted) => void

  constructor(onRefusal: (answer: Counted) => void) {
    this.#onRefusal = onRefusal
  }

  count(answer: Counted): void {
    const { status, code } = answer
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
    if (code === undefined) return
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1)
    this.#onRefusal(answer)
  }

  /** Requests by the status of their answer. */
  statuses(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#statuses)
  }

  /** Refusals by their code. */
  refusals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refusals)
  }
}
