// The segments that hold records, oldest first.

import type { Segment } from './segment.ts'

export class SegmentTable {
  readonly #segments: Segment[] = []
  readonly #byNumber = new Map<number, Segment>()

  get count(): number {
    return this.#segments.length
  }

  all(): readonly Segment[] {
    return this.#segments
  }

  /** Numbers rise. */
  add(segment: Segment): void {
    this.#segments.push(segment)
    this.#byNumber.set(segment.number, segment)
  }

  remove(segment: Segment): void {
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    this.#byNumber.delete(segment.number)
  }

  find(number: number): Segment | undefined {
    return this.#byNumber.get(number)
  }

  /** The first with this number or a later one. */
  from(number: number): Segment | undefined {
    return this.#byNumber.get(number) ?? this.#segments.find((segment) => segment.number >= number)
  }

  firstUntaken(): Segment | undefined {
    return this.#segments.find((segment) => segment.untakenCount > 0)
  }

  /** Of the oldest unsettled record, or a little more; 0 when there is none. */
  oldestAgeMs(nowWallMs: number): number {
    for (const segment of this.#segments) {
      const arrivedAtMs = segment.oldestArrivalAtMs()
      if (arrivedAtMs !== null) return Math.max(0, nowWallMs - arrivedAtMs)
    }
    return 0
  }
}
