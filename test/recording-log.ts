import type { Log } from '../src/host/index.ts'

/** Keeps what it is told, a line each: the level, the message, for errors the fields. */
export class RecordingLog implements Log {
  readonly lines: string[] = []

  info(message: string): void {
    this.lines.push(`info ${message}`)
  }

  warn(message: string): void {
    this.lines.push(`warn ${message}`)
  }

  error(message: string, fields?: object): void {
    this.lines.push(`error ${message} ${JSON.stringify(fields)}`)
  }
}
