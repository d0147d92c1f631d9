// What was answered, counted.

import type { HttpAnswer } from '../host/index.ts'

export class Tally {
  readonly #statuses = new Map<number, number>()
  readonly #refusals = new Map<string, number>()

  count(answer: HttpAnswer & { readonly code?: string }): void {
    const { status, code } = answer
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
    if (code !== undefined) this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1)
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
