import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Line, SpooledLineParts } from '../../src/assemble.ts'
import { runOnce } from '../../src/sim/index.ts'

/** Someone has letters sent again in so many worlds. */
const SEED_COUNT = 40

type Office = SpooledLineParts['office']

async function firstBreakage(breakIt: (office: Office) => void): Promise<string> {
  const line = (one: Line) => {
    if ('office' in one) breakIt((one as SpooledLineParts).office)
  }
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const outcome = await runOnce(seed, { hooks: { line } })
    if (outcome.kind === 'broken') return outcome.error.message
  }
  return 'nothing was noticed'
}

test('the checkers notice a replay that loses the record', async () => {
  const says = await firstBreakage((office) => {
    office.replay = async (filter, limit) => {
      const { purged, left } = await office.purge(filter, limit)
      return { replayed: purged, left, refusal: null }
    }
  })

  assert.match(says, /is nowhere|is gone|no dead letter/)
})
