// Looks after the dead letters of a machine, as a person does: comes a while after one found no
// room, sends some of them again, and throws the others away. Each of them it has read.

import type { SpooledLineParts } from '../assemble.ts'
import { ALL_LETTERS } from '../dead-letters/index.ts'
import { DiskError, type Timer } from '../host/index.ts'
import type { SimProcess } from './machine.ts'
import type { BookedRecord } from './record-book.ts'
import type { SimRandom } from './sim-random.ts'
import type { SpoolWitness } from './spool-witness.ts'
import type { World } from './world.ts'

const COMES_WITHIN_MS = 1_000
/** Letters that one visit deals with, from the oldest one on. */
const VISIT_MAX_COUNT = 50

export interface LetterClerkParts {
  readonly world: World
  readonly process: SimProcess
  readonly line: SpooledLineParts
  readonly witness: SpoolWitness
}

export class LetterClerk {
  /** Letters that it had sent again, or tried to. */
  replayedCount = 0
  readonly #parts: LetterClerkParts
  readonly #random: SimRandom
  #timer: Timer | null = null
  #isStopped = false

  constructor(parts: LetterClerkParts) {
    this.#parts = parts
    this.#random = parts.process.random.fork('clerk')
    this.#watch()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #watch(): void {
    const { deadLetters } = this.#parts.line
    const add = deadLetters.add.bind(deadLetters)
    deadLetters.add = (letter, done) => {
      add(letter, (isKept) => {
        done(isKept)
        if (!isKept) this.#comeSoon()
      })
    }
  }

  #comeSoon(): void {
    if (this.#isStopped || this.#timer !== null) return
    const { clock } = this.#parts.process
    const atMs = clock.monotonicMs() + 1 + this.#random.below(COMES_WITHIN_MS)
    this.#timer = clock.schedule(atMs, () => {
      this.#visit().then(
        (isFull) => {
          this.#timer = null
          if (isFull) this.#comeSoon()
        },
        (error) => this.#parts.world.fail(error),
      )
    })
  }

  /** Resolves with whether there is still no room. */
  async #visit(): Promise<boolean> {
    const { line, witness, world } = this.#parts
    const { deadLetters } = line
    if (deadLetters.stats.state !== 'full') return false
    try {
      const oldest = deadLetters.find(ALL_LETTERS).slice(0, VISIT_MAX_COUNT)
      for await (const letters of deadLetters.read(oldest)) {
        for (const letter of letters) await this.#dealWith(letter.receipt, witness.look(letter))
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      world.note('clerk: the disk fails')
    }
    return deadLetters.stats.state === 'full'
  }

  async #dealWith(receipt: string, booked: BookedRecord): Promise<void> {
    const { line, witness, world } = this.#parts
    const one = { ...ALL_LETTERS, receipt }
    // Once each, and not at the end: what fails whenever it is sent must come to rest.
    const isAgain = world.areFaultsOn && !booked.isReplayed && this.#random.below(2) === 0
    if (isAgain) {
      witness.sendAgain(booked)
      this.replayedCount++
    }
    const { left } = isAgain ? await line.office.replay(one, 1) : await line.office.purge(one, 1)
    const isDone = left === 0 ? 'done' : 'not done'
    world.note(`clerk: ${isAgain ? 'replay' : 'purge'} ${isDone}`, booked.id)
  }
}
