// What is scheduled, in order: a binary heap by instant, then by order of scheduling. Node's clock
// and the simulated one both keep their timers here. A timer knows its place in the heap, so
// cancelling one of a hundred thousand costs as little as adding it.

import type { Timer } from './clock.ts'

export class QueuedTimer implements Timer {
  readonly atMs: number
  readonly sequence: number
  readonly task: () => void
  /** The place in the heap; -1 when it has left it. */
  place = -1
  readonly #queue: TimerQueue

  constructor(queue: TimerQueue, atMs: number, sequence: number, task: () => void) {
    this.#queue = queue
    this.atMs = atMs
    this.sequence = sequence
    this.task = task
  }

  cancel(): void {
    if (this.place >= 0) this.#queue.remove(this)
  }
}

export class TimerQueue {
  readonly #heap: QueuedTimer[] = []
  readonly #onEmpty: () => void
  #nextSequence = 0

  /** `onEmpty` is called when a cancelled timer was the last one. */
  constructor(onEmpty: () => void = () => {}) {
    this.#onEmpty = onEmpty
  }

  get size(): number {
    return this.#heap.length
  }

  /** The sequence number that the next timer gets. */
  get nextSequence(): number {
    return this.#nextSequence
  }

  add(atMs: number, task: () => void): QueuedTimer {
    const timer = new QueuedTimer(this, atMs, this.#nextSequence++, task)
    this.#heap.push(timer)
    this.#rise(timer, this.#heap.length - 1)
    return timer
  }

  first(): QueuedTimer | undefined {
    return this.#heap[0]
  }

  takeFirst(): QueuedTimer | undefined {
    const timer = this.#heap[0]
    if (timer !== undefined) this.#take(timer)
    return timer
  }

  remove(timer: QueuedTimer): void {
    this.#take(timer)
    if (this.#heap.length === 0) this.#onEmpty()
  }

  #take(timer: QueuedTimer): void {
    const last = this.#heap.pop()!
    if (last !== timer) {
      this.#sink(last, timer.place)
      this.#rise(last, last.place)
    }
    timer.place = -1
  }

  #rise(timer: QueuedTimer, from: number): void {
    let place = from
    while (place > 0) {
      const parentPlace = (place - 1) >> 1
      const parent = this.#heap[parentPlace]!
      if (isBefore(parent, timer)) break
      this.#put(parent, place)
      place = parentPlace
    }
    this.#put(timer, place)
  }

  #sink(timer: QueuedTimer, from: number): void {
    const heap = this.#heap
    let place = from
    for (;;) {
      let childPlace = 2 * place + 1
      if (childPlace >= heap.length) break
      const right = heap[childPlace + 1]
      if (right !== undefined && isBefore(right, heap[childPlace]!)) childPlace++
      const child = heap[childPlace]!
      if (isBefore(timer, child)) break
      this.#put(child, place)
      place = childPlace
    }
    this.#put(timer, place)
  }

  #put(timer: QueuedTimer, place: number): void {
    this.#heap[place] = timer
    timer.place = place
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
