// A signal that nobody listens to ends a process without a word to its children.

/** As the shell tells it: 128 and the signal's number. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** Ends in order, so that what is to be done at the exit is done. */
export function exitOnSignals(
  signals: readonly (keyof typeof EXIT_CODES)[] = ['SIGHUP', 'SIGINT', 'SIGTERM'],
): void {
  for (const signal of signals) process.once(signal, () => process.exit(EXIT_CODES[signal]))
}
