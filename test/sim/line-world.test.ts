import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LineHooks, type LineOutcome, runOnce, runSeed } from '../../src/sim/index.ts'
import { BROKEN_PARTS, losingLine, rememberingGateway } from './broken-parts.ts'

/** How many seeds everything runs; thousands run with `npm run sim`. */
const SEED_COUNT = 30
/** A part that is broken all the time shows within so many worlds. */
const BROKEN_SEED_COUNT = 15

test('worlds of faults come to rest with every invariant kept, twice the same', async () => {
  const counts = new Map<string, number>()
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const outcome = await runSeed(seed)
    assert.equal(outcome.kind, 'came to rest', `seed ${seed}: ${textOf(outcome)}`)
    if (outcome.kind !== 'came to rest') continue
    for (const [kind, count] of outcome.report.counts) {
      counts.set(kind, (counts.get(kind) ?? 0) + count)
    }
  }
  const expected = [
    'request to kinesis: answer lost',
    'request to kinesis: reset before it arrives',
    'service: entry fails after it was stored',
    'service: old shard map',
    'service: signature expired',
    'kinesis loses power',
    'node crashes',
    'gateway answers 200',
    'gateway answers 503 back-pressure',
    'record failed: Expired',
    'record failed: RecordTooLarge',
    'a flush ends',
    'operator: SplitShard done',
    'operator: MergeShards done',
    'operator: DeleteStream done',
    'clerk: purge done',
    'clerk: replay done',
  ]
  for (const kind of expected) assert.ok(counts.has(kind), `${kind} never happened`)
})

for (const [name, { hooks, says, firstSeed }] of BROKEN_PARTS) {
  test(`the checkers notice ${name}`, async () => {
    assert.match(await firstBreakage(hooks, firstSeed), says)
  })
}

test('the checkers notice a line that loses records', async () => {
  assert.match(await firstBreakage(losingLine()), /inside|miscounts|every record settles/)
})

test('a world that remembers something of the run before is reported, with the event', async () => {
  for (let seed = 1; seed <= BROKEN_SEED_COUNT; seed++) {
    const hooks = rememberingGateway()
    const outcome = await runSeed(seed, { hooks })
    if (outcome.kind === 'came to rest') continue
    assert.equal(outcome.kind, 'not the same twice', textOf(outcome))
    return
  }
  assert.fail('nothing was noticed')
})

async function firstBreakage(hooks: Partial<LineHooks>, firstSeed = 1): Promise<string> {
  for (let seed = firstSeed; seed < firstSeed + BROKEN_SEED_COUNT; seed++) {
    const outcome = await runOnce(seed, { hooks })
    if (outcome.kind === 'broken') return outcome.error.message
  }
  return 'nothing was noticed'
}

function textOf(outcome: LineOutcome): string {
  return outcome.kind === 'broken' ? (outcome.error.stack ?? '') : outcome.kind
}
