// A store of dead letters on a disk that a test breaks, and letters to put into it.

import { readConfig } from '../../src/config/index.ts'
import { DeadLetters, deadLettersFields } from '../../src/dead-letters/index.ts'
import type { Log } from '../../src/host/index.ts'
import type { DeadLetter } from '../../src/spool/index.ts'
import { HandClock } from '../hand-clock.ts'
import { MemoryDisk } from '../kinesis/memory-disk.ts'
import { RecordingLog } from '../recording-log.ts'

export interface Opening {
  readonly disk?: MemoryDisk
  readonly maxCount?: number
  readonly maxBytes?: number
  readonly log?: Log
}

export async function openLetters({
  disk = new MemoryDisk(),
  maxCount,
  maxBytes,
  log,
}: Opening = {}) {
  const clock = new HandClock()
  const recorded = new RecordingLog()
  let draw = 0
  const random = { below: (bound: number) => (++draw * 2_654_435_761) % bound, fork: () => random }
  const config = readConfig(deadLettersFields, { overrides: { maxCount, maxBytes } })
  const letters = await DeadLetters.open({ clock, random, disk }, config, log ?? recorded)
  const keep = (...some: DeadLetter[]) => {
    return Promise.all(
      some.map((one) => new Promise<boolean>((resolve) => letters.add(one, resolve))),
    )
  }
  return { letters, disk, clock, keep, logged: recorded.lines }
}

export function letter(receipt: string, more: Partial<DeadLetter> = {}): DeadLetter {
  return {
    receipt,
    stream: 's1',
    partitionKey: `key of ${receipt}`,
    explicitHashKey: null,
    data: Buffer.from(`data of ${receipt}`),
    arrivedAtMs: 1_700_000_000_000,
    diedAtMs: 1_700_000_001_000,
    code: 'ResourceNotFoundException',
    message: 'Stream s1 is not there.',
    mayBeWritten: false,
    attemptCount: 1,
    attempts: [
      { startAtMs: -20, endAtMs: -5, code: 'Throttled', message: 'slow', mayBeWritten: false },
    ],
    ...more,
  }
}

/** Receipts and data of all that is kept. */
export async function contentOf(letters: DeadLetters): Promise<Map<string, string>> {
  const content = new Map<string, string>()
  for await (const part of letters.read(letters.find(ALL))) {
    for (const { receipt, data } of part) content.set(receipt, String(Buffer.from(data)))
  }
  return content
}

export const ALL = {
  stream: null,
  code: null,
  receipt: null,
  sinceMs: null,
  after: null,
  upTo: null,
}
