// How commands end.

/** 0 good, 1 failed, 2 wrong usage or configuration. */
export const EXIT = { good: 0, failed: 1, usage: 2 } as const

/** Ends a command with a message for the person who called it. */
export class ExitError extends Error {
  readonly exitCode: number
  constructor(exitCode: number, message: string) {
    super(message)
    this.name = 'ExitError'
    this.exitCode = exitCode
  }
}

/** A command that was used wrongly. */
export function usageError(message: string): ExitError {
  return new ExitError(EXIT.usage, message)
}

/** Something of the outside that cannot be had: a port, a directory. With the usual remedy. */
export function cannot(what: string, error: unknown, portName = '--port'): ExitError {
  const { code, message } = error as { code?: string; message?: string }
  const remedy = REMEDIES.get(code ?? '')?.replace('PORT', portName)
  return new ExitError(EXIT.failed, `${what}: ${message ?? error}${remedy ? `. ${remedy}` : ''}`)
}

const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'Something else has that port: stop it, or choose another port (PORT).'],
  ['EADDRNOTAVAIL', 'This machine has no such address: choose another one (--host).'],
  ['EACCES', 'This user may not: choose another port or directory, or change the permissions.'],
  ['ENOENT', 'Nothing can be made there: choose another directory.'],
  ['ENOSPC', 'The disk is full.'],
])
