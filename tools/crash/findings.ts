// What is wrong while the load runs, and is no lost record.

/** Of each sort the first ones are told in full; all are counted. */
const TOLD_MAX_COUNT = 5

export class Findings {
  readonly #counts = new Map<string, number>()
  readonly #told: string[] = []

  /** `sort` is one of few; `about` tells this one. */
  add(sort: string, about: string): void {
    const count = (this.#counts.get(sort) ?? 0) + 1
    this.#counts.set(sort, count)
    if (count <= TOLD_MAX_COUNT) this.#told.push(`${sort}: ${about}`)
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }

  get told(): readonly string[] {
    return this.#told
  }
}
