// A letter as it is kept: what the record was, and why it could not be delivered.
//
//   | number u64 | length of the facts u32 | facts, JSON in UTF-8 | data |
//
// Instants are on the wall clock: the monotonic one means nothing to the next process.

import type { Clock } from '../host/index.ts'
import { hashKeyFromDecimal } from '../record/index.ts'
import type { DeadLetter } from '../spool/index.ts'

/** One try to deliver it. */
export interface KeptAttempt {
  readonly startedAtMs: number
  readonly durationMs: number
  readonly code: string | null
  readonly message: string | null
  readonly mayBeWritten: boolean
}

export interface KeptLetter extends Omit<DeadLetter, 'attempts'> {
  /** Rises from letter to letter. */
  readonly number: number
  readonly attempts: readonly KeptAttempt[]
}

const HEAD_BYTES = 12

/** The letter with its number, its attempts on the wall clock. */
export function keptLetter(letter: DeadLetter, number: number, clock: Clock): KeptLetter {
  const wallAheadMs = clock.wallMs() - clock.monotonicMs()
  const attempts = letter.attempts.map(({ startAtMs, endAtMs, code, message, mayBeWritten }) => ({
    startedAtMs: Math.round(startAtMs + wallAheadMs),
    durationMs: Math.round(endAtMs - startAtMs),
    code,
    message,
    mayBeWritten,
  }))
  const { receipt, stream, partitionKey, explicitHashKey, data } = letter
  const { arrivedAtMs, diedAtMs, code, message, mayBeWritten, attemptCount } = letter
  const record = { receipt, stream, partitionKey, explicitHashKey, data, arrivedAtMs }
  return { number, ...record, diedAtMs, code, message, mayBeWritten, attemptCount, attempts }
}

export function encodeLetter(letter: KeptLetter): readonly Uint8Array[] {
  const { number, data, explicitHashKey, ...rest } = letter
  const facts = { ...rest, explicitHashKey: explicitHashKey?.toString() ?? null }
  const factBytes = Buffer.from(JSON.stringify(facts))
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeBigUInt64BE(BigInt(number), 0)
  head.writeUInt32BE(factBytes.length, 8)
  return [head, factBytes, data]
}

/** The number alone; the rest of the letter is not looked at. */
export function numberOf(body: Buffer): number {
  return Number(body.readBigUInt64BE(0))
}

/** `body` has passed its checksum. */
export function decodeLetter(body: Buffer): KeptLetter {
  const factsEnd = HEAD_BYTES + body.readUInt32BE(8)
  const facts = JSON.parse(body.toString('utf8', HEAD_BYTES, factsEnd)) as Facts
  const { explicitHashKey } = facts
  return {
    ...facts,
    number: numberOf(body),
    explicitHashKey: explicitHashKey === null ? null : hashKeyFromDecimal(explicitHashKey),
    data: body.subarray(factsEnd),
  }
}

interface Facts extends Omit<KeptLetter, 'number' | 'data' | 'explicitHashKey'> {
  readonly explicitHashKey: string | null
}
