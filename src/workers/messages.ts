// What passes between the process that supervises and its workers, over the channel that Node opens
// between a process and its child. Plain JSON.

/** What one process asks of another. */
export interface Question {
  /** Names what is asked; who asks and who answers know the names. */
  readonly about: string
  readonly detail: string
}

export type ToWorker =
  /** Begin: everything that the worker needs to know. Sent once, first. */
  | { readonly type: 'start'; readonly job: unknown }
  /** Finish what was admitted, at most until then, and end. */
  | { readonly type: 'stop'; readonly deadlineMs: number }
  /** Answered at once, whatever it is doing. */
  | { readonly type: 'ask for life' }
  | { readonly type: 'question'; readonly id: number; readonly question: Question }
  /** To a question of this worker. */
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }

export type FromWorker =
  /** It listens, on that port. */
  | { readonly type: 'ready'; readonly port: number }
  /** It cannot start, and ends: the reason in words, for people. */
  | { readonly type: 'failed'; readonly reason: string }
  /** It has finished, and ends; so many records were left in memory. */
  | { readonly type: 'stopped'; readonly left: number }
  | { readonly type: 'alive' }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'question'; readonly id: number; readonly question: Question }
