/**
 * Lets an error of the program's own function come out by itself, as if nobody had called it: an
 * `uncaughtException`. What we have to do besides goes on.
 */
export function throwApart(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
