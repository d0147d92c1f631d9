// Chance, as the outside lends it.

export interface Random {
  /** An integer in 0..bound-1; `bound` is 1..2**32. */
  below(bound: number): number
  /** A stream of its own: a draw there moves none here. The same label gives the same stream. */
  fork(label: string): Random
}
