/** Which letters are meant; what is null asks for nothing. */
export interface LetterFilter {
  readonly stream: string | null
  readonly code: string | null
  readonly receipt: string | null
  /** Died then or later, on the wall clock. */
  readonly sinceMs: number | null
  /** Numbers above this one. */
  readonly after: number | null
  /** Numbers up to this one, so that what comes meanwhile is not meant. */
  readonly upTo: number | null
}

export const ALL_LETTERS: LetterFilter = {
  stream: null,
  code: null,
  receipt: null,
  sinceMs: null,
  after: null,
  upTo: null,
}

/** What is known of a letter without reading it. */
export interface Envelope {
  readonly number: number
  readonly receipt: string
  readonly stream: string
  readonly code: string
  readonly diedAtMs: number
}

export function isMeant(filter: LetterFilter, envelope: Envelope): boolean {
  const { stream, code, receipt, sinceMs, after, upTo } = filter
  return (
    (stream === null || envelope.stream === stream) &&
    (code === null || envelope.code === code) &&
    (receipt === null || envelope.receipt === receipt) &&
    (sinceMs === null || envelope.diedAtMs >= sinceMs) &&
    (after === null || envelope.number > after) &&
    (upTo === null || envelope.number <= upTo)
  )
}

/** Whether every letter is meant: what a purge must be asked for in so many words. */
export function isEverything({ stream, code, receipt, sinceMs }: LetterFilter): boolean {
  return stream === null && code === null && receipt === null && sinceMs === null
}
