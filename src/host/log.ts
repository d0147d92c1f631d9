// What we say to the person who runs us. Never one line per record.

export type LogFields = Readonly<Record<string, string | number | boolean | null>>

export interface Log {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Says nothing: for libraries that were given no log, and for tests. */
export const silentLog: Log = { info() {}, warn() {}, error() {} }
