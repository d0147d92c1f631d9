/** A place in the line. Each is given the next one when it is built. */
export interface Stage<T> {
  /** Takes over `item`. Never waits, never refuses: the window has already counted it. */
  put(item: T): void
}
