// What a check of the repository finds, and what it is given to look at.

export interface Problem {
  /** Relative to the repository's root, parts joined by `/`. */
  readonly path: string
  /** From 1; 0 when the whole file, or its absence, is the problem. */
  readonly line: number
  readonly message: string
}

export interface SourceFile {
  readonly path: string
  readonly text: string
}
