// The producer over real sockets against an embedded Kinesis with faults switched on: one by one,
// and all together.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../../src/library/kinesis.ts'
import { type Checked, failures, UnderFaults } from './under-faults.ts'

const COUNT = 3000
const action = 'PutRecords'

/** Everything was delivered; the copies are told by the attempts exactly. */
function checkDelivered({ results, copies }: Checked, areFailuresWritten: boolean): void {
  for (const [number, { isDelivered, attempts }] of results.entries()) {
    assert.ok(isDelivered)
    assert.equal(copies.get(number), areFailuresWritten ? attempts.length : 1, `record ${number}`)
  }
}

interface Case {
  readonly fault: Fault
  readonly code: string
  /** The records of a failed attempt are in the stream all the same. */
  readonly isWritten: boolean
}

const odds = 0.2
const cases: readonly Case[] = [
  {
    fault: { kind: 'throttle', odds },
    code: 'ProvisionedThroughputExceededException',
    isWritten: false,
  },
  { fault: { kind: 'internal-failure', odds }, code: 'InternalFailure', isWritten: false },
  {
    fault: { kind: 'internal-failure', odds, when: 'after' },
    code: 'InternalFailure',
    isWritten: true,
  },
  { fault: { kind: 'server-error', odds }, code: 'InternalFailure', isWritten: false },
  {
    fault: { kind: 'server-error', odds, status: 503, when: 'after' },
    code: 'ServiceUnavailable',
    isWritten: true,
  },
  { fault: { kind: 'cut', odds }, code: 'ConnectionLost', isWritten: false },
  { fault: { kind: 'cut', odds, when: 'after' }, code: 'ConnectionLost', isWritten: true },
  {
    fault: { kind: 'expired-signature', odds },
    code: 'InvalidSignatureException',
    isWritten: false,
  },
]

for (const { fault, code, isWritten } of cases) {
  const when = 'when' in fault ? ' after the write' : ''
  test(`${fault.kind}${when} is told as ${code}, and everything is delivered`, async (t) => {
    const run = await UnderFaults.start(t, { faults: [{ ...fault, action }] })
    run.add(COUNT)
    await run.untilStruck(3)
    const [struck] = run.endFaults()

    const checked = await run.check()

    const failed = failures(checked.results)
    assert.deepEqual([...failed.keys()], [code], 'no other code was seen')
    assert.equal(failed.get(code)!.size, struck, 'each strike was told, and nothing else')
    checkDelivered(checked, isWritten)
    if (fault.kind === 'expired-signature') assert.ok(run.keysAskedCount > 1, 'keys were renewed')
  })
}

test('latency within the time for a request fails nothing', async (t) => {
  const fault: Fault = { kind: 'latency', action, latencyMs: 20, jitterMs: 60 }
  const run = await UnderFaults.start(t, { faults: [fault] })
  run.add(COUNT)
  const checked = await run.check()
  assert.deepEqual([...failures(checked.results).keys()], [])
  checkDelivered(checked, false)
})

test('an answer that is later than a request may take was written, and comes twice', async (t) => {
  const fault: Fault = { kind: 'latency', action, when: 'after', latencyMs: 60_000, odds: 0.3 }
  const run = await UnderFaults.start(t, { faults: [fault], producer: { requestTimeout: 1000 } })
  run.add(COUNT)
  await run.untilStruck(2)
  const [struck] = run.endFaults()

  const checked = await run.check()

  const failed = failures(checked.results)
  assert.deepEqual([...failed.keys()], ['RequestTimeout'])
  // A machine that stands still for a second lets others time out, too.
  assert.ok(failed.get('RequestTimeout')!.size >= struck!)
  assert.ok(checked.results.every(({ isDelivered }) => isDelivered))
  const twice = [...checked.copies.values()].filter((count) => count > 1)
  assert.ok(twice.length >= struck!, `${twice.length} are there more than once`)
})

test('a clock that is ten minutes off, ahead or behind, is learned from Date', async (t) => {
  const ahead: Fault = { kind: 'clock-skew', skewMs: 600_000 }
  const run = await UnderFaults.start(t, { faults: [ahead] })
  for (const skewMs of [600_000, -600_000, 0]) {
    // Of no skew this judges signatures all the same.
    run.kinesis.setFaults([{ ...ahead, skewMs }])
    const from = run.records.length
    run.add(COUNT / 3)
    const { results } = await run.check()
    const added = results.slice(from)
    const codes = [...failures(added).keys()]
    // Of the first skew a listing of the shards has told already, or has not.
    if (from > 0 || codes.length > 0) assert.deepEqual(codes, ['InvalidSignatureException'])
    // The requests that were on their way when the first answer came; none after that.
    assert.ok(added.every(({ attempts }) => attempts.length <= 2))
  }
  checkDelivered(await run.check(), false)
  assert.equal(run.keysAskedCount, 1, 'the keys were good')
})

test('denied access fails at once, in one attempt, and nothing is written', async (t) => {
  const run = await UnderFaults.start(t, { faults: [{ kind: 'access-denied', action }] })
  run.add(COUNT)
  const { results, copies } = await run.check()
  for (const result of results) {
    assert.ok(!result.isDelivered)
    assert.equal(result.code, 'AccessDeniedException')
    assert.match(
      result.message,
      /not authorized to perform: kinesis:PutRecords on resource: .*\/s /,
    )
    assert.deepEqual([result.attempts.length, result.mayBeWritten], [1, false])
  }
  assert.equal(copies.size, 0)

  run.endFaults()
  run.add(10)
  const after = await run.check()
  assert.ok(after.results.slice(COUNT).every(({ isDelivered }) => isDelivered))
})

test('without permission to list shards everything is delivered all the same', async (t) => {
  const denied = (of: 'ListShards' | 'DescribeStreamSummary'): Fault => ({
    kind: 'access-denied',
    action: of,
  })
  const faults = [denied('ListShards'), denied('DescribeStreamSummary')]
  const run = await UnderFaults.start(t, { faults })
  run.add(COUNT)
  checkDelivered(await run.check(), false)
})

for (const [fault, mayBeWritten, copyCount] of [
  [{ kind: 'throttle' }, false, 'none'],
  [{ kind: 'cut' }, true, 'none'],
  [{ kind: 'cut', when: 'after' }, true, 'some'],
] as const) {
  const when = 'when' in fault ? ' after the write' : ''
  const told = mayBeWritten ? 'may be written' : 'is not written'
  test(`what is given up because of ${fault.kind}${when} says that it ${told}`, async (t) => {
    const faults = [{ ...fault, action } as const]
    const run = await UnderFaults.start(t, { faults, producer: { recordTtl: 300 } })
    run.add(200)
    const { results, copies } = await run.check()
    for (const [number, result] of results.entries()) {
      assert.ok(!result.isDelivered)
      assert.equal(result.code, 'Expired')
      assert.equal(result.mayBeWritten, mayBeWritten)
      assert.equal((copies.get(number) ?? 0) > 0, copyCount === 'some')
    }
  })
}

const all: readonly Fault[] = [
  { kind: 'access-denied', action: 'DescribeStreamSummary' },
  { kind: 'clock-skew', skewMs: 600_000, untilMs: 150 },
  { kind: 'clock-skew', skewMs: -600_000, fromMs: 150, odds: 0.5 },
  { kind: 'expired-signature', odds: 0.05 },
  { kind: 'latency', latencyMs: 1, jitterMs: 40, odds: 0.3 },
  { kind: 'server-error', status: 503, odds: 0.05 },
  { kind: 'server-error', when: 'after', odds: 0.05, action },
  { kind: 'cut', odds: 0.05 },
  { kind: 'cut', when: 'after', odds: 0.05, action },
  { kind: 'throttle', shard: 'shardId-000000000001', odds: 0.1 },
  { kind: 'internal-failure', odds: 0.05, action },
  { kind: 'internal-failure', when: 'after', odds: 0.02, action },
]

for (const wireFormat of ['cbor', 'json'] as const) {
  test(`under all faults together everything settles once and truly, in ${wireFormat}`, async (t) => {
    const run = await UnderFaults.start(t, { faults: all, faultSeed: 41, producer: { wireFormat } })
    run.add(COUNT)
    await run.untilStruck(1)
    run.endFaults()

    const { results, copies } = await run.check()

    assert.ok(results.every(({ isDelivered }) => isDelivered))
    const known = new Set([
      'ProvisionedThroughputExceededException',
      'InternalFailure',
      'ServiceUnavailable',
      'ConnectionLost',
      'InvalidSignatureException',
    ])
    const seen = new Set(failures(results).keys())
    assert.deepEqual([...seen].sort(), [...known].sort())
    assert.ok(
      [...copies.values()].some((count) => count > 1),
      'lost answers made duplicates',
    )
  })
}
