// The producer as the end of Node's streams.

import { Writable } from 'node:stream'
import { type Entrance, Intake } from './intake.ts'
import type { UserRecordFailedError, UserRecordInput } from './user-record.ts'

export interface WritableOptions {
  /**
   * Told of each record that was given up; the stream goes on. Without it the first such record
   * destroys the stream with its `UserRecordFailedError`. What it throws destroys the stream too.
   */
  readonly onFailed?: (error: UserRecordFailedError) => void
}

export interface FlushingEntrance extends Entrance {
  flush(): Promise<void>
}

export class UserRecordWritable extends Writable {
  readonly #entrance: FlushingEntrance
  readonly #intake: Intake

  constructor(entrance: FlushingEntrance, { onFailed }: WritableOptions) {
    super({ objectMode: true })
    this.#entrance = entrance
    this.#intake = new Intake(entrance, onFailed ?? ((error) => this.destroy(error)))
    this.#intake.onThrown = (error) => this.destroy(error as Error)
  }

  override _write(input: UserRecordInput, _: string, done: (error?: Error) => void): void {
    this.#intake.ready().then(() => this.#add(input, done), done)
  }

  override _final(done: (error?: Error) => void): void {
    this.#intake.empty().then(() => done(), done)
    void this.#entrance.flush()
  }

  #add(input: UserRecordInput, done: (error?: Error) => void): void {
    // Destroyed while it waited: nobody would hear of the record.
    if (this.destroyed) return
    try {
      this.#intake.add(input)
    } catch (error) {
      return done(error as Error)
    }
    done()
  }
}
