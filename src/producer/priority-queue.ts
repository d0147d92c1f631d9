// A binary heap: smallest rank first, equal ranks in the order of arrival.

interface Node<T> {
  readonly item: T
  readonly rank: number
  readonly order: number
}

export class PriorityQueue<T> {
  readonly #rankOf: (item: T) => number
  readonly #heap: Node<T>[] = []
  #order = 0

  /** `rankOf` is asked once for each item, when it is pushed. */
  constructor(rankOf: (item: T) => number) {
    this.#rankOf = rankOf
  }

  get size(): number {
    return this.#heap.length
  }

  peek(): T | undefined {
    return this.#heap[0]?.item
  }

  push(item: T): void {
    const heap = this.#heap
    const node = { item, rank: this.#rankOf(item), order: this.#order++ }
    let at = heap.length
    heap.push(node)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(node, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = node
  }

  pop(): T | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined) return undefined
    if (heap.length > 0) this.#sink(last)
    return top.item
  }

  #sink(node: Node<T>): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, node)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = node
  }
}

function isBefore<T>(a: Node<T>, b: Node<T>): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.order < b.order)
}
