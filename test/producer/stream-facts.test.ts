// What is known of a stream, and when it is asked for again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/host/index.ts'
import type { Outcome } from '../../src/producer/client.ts'
import { StreamFacts } from '../../src/producer/stream-facts.ts'
import { HandClock } from '../hand-clock.ts'
import { drawing, REFUSAL, slowClient } from './listed-shards.ts'

const MIB = 1024 * 1024

function summaryOf(summary: object): Outcome {
  const body = JSON.stringify({ StreamDescriptionSummary: summary })
  return { format: 'json', body: Buffer.from(body) }
}

const LARGE = summaryOf({
  MaxRecordSizeInKiB: 2048,
  RecordDistributionStrategy: 'USER_PARTITION_KEY',
})

function asking(part = 0.5, askAgainMaxMs = 60_000) {
  const { client, calls, answerNext } = slowClient()
  const clock = new HandClock()
  const known = { askAgainMaxMs, log: silentLog }
  const facts = new StreamFacts({ clock, random: drawing(part) }, 's', client, known)
  facts.start(() => {})
  facts.ask()
  /** Records come all the time; how long until one has it asked for. */
  const waitMs = (answer: Outcome) => {
    answerNext(answer)
    const fromMs = clock.monotonicMs()
    for (const count = calls.length; calls.length === count; clock.advanceBy(1)) {
      facts.wake(clock.monotonicMs())
      if (clock.monotonicMs() - fromMs > 200_000) return Number.POSITIVE_INFINITY
    }
    return clock.monotonicMs() - 1 - fromMs
  }
  return { facts, clock, calls, answerNext, waitMs }
}

test('a question that fails is asked again ever more seldom, and once it is answered no more', () => {
  const { waitMs } = asking()

  const waits = Array.from({ length: 9 }, () => waitMs(REFUSAL))

  // Three quarters of 1, 2, 4, ... s and of a minute at most.
  const expected = [749, 1499, 2999, 5999, 11_999, 23_999, 44_999, 44_999, 44_999]
  assert.deepEqual(waits, expected)
  assert.equal(waitMs(LARGE), Number.POSITIVE_INFINITY)
})

test('after an answer the waits begin anew', () => {
  const { facts, waitMs, answerNext } = asking()
  for (let i = 0; i < 5; i++) waitMs(REFUSAL)
  answerNext(LARGE)
  facts.ask()

  assert.equal(waitMs(REFUSAL), 749)
})

test('where records live shortly only a missing permission is asked for up to once a minute', () => {
  const waitsAfter = (refusal: Outcome) => {
    const { waitMs } = asking(0.5, 3000)
    return Array.from({ length: 8 }, () => waitMs(refusal))
  }

  const denied = waitsAfter({ ...REFUSAL, code: 'AccessDeniedException' })

  assert.deepEqual(denied, [749, 1499, 2999, 5999, 11_999, 23_999, 44_999, 44_999])
  assert.deepEqual(waitsAfter(REFUSAL), [749, 1499, ...Array(6).fill(2249)])
})

test('an answer that cannot be read is none, and asked for again', () => {
  const { facts, waitMs } = asking()
  assert.equal(waitMs({ format: 'json', body: Buffer.from('nonsense') }), 749)
  assert.deepEqual([facts.isTried, facts.isSizeKnown, facts.areKeysKept], [true, false, false])
})

test('a fleet that was refused at one instant asks again at many', () => {
  const waits = [0, 0.5, 1].map((part) => asking(part).waitMs(REFUSAL))
  assert.deepEqual(waits, [500, 749, 999])
})

test('what was known stays when a question fails, but not of a stream that is no more', () => {
  const { facts, answerNext } = asking()
  answerNext(LARGE)
  facts.ask()
  answerNext(REFUSAL)
  assert.deepEqual([facts.maxRecordBytes, facts.areKeysKept], [2 * MIB, true])

  facts.ask()
  answerNext({ ...REFUSAL, code: 'ResourceNotFoundException' })

  assert.deepEqual([facts.maxRecordBytes, facts.areKeysKept], [MIB, false])
  assert.equal(facts.isSizeKnown, false)
})

test('an answer is young for a minute', () => {
  const { facts, clock, answerNext } = asking()
  assert.equal(facts.isFresh, false)
  answerNext(LARGE)

  clock.advanceBy(60_000)
  assert.equal(facts.isFresh, true)
  clock.advanceBy(1)
  assert.equal(facts.isFresh, false)
})
