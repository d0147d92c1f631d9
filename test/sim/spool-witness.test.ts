import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SpooledLineParts } from '../../src/assemble.ts'
import { LineWorld } from '../../src/sim/index.ts'
import { RecordBook } from '../../src/sim/record-book.ts'
import { Shelf } from '../../src/sim/shelf.ts'
import { SpoolWitness } from '../../src/sim/spool-witness.ts'
import { World } from '../../src/sim/world.ts'

const LEDGER = { attempts: 0, successes: 0, failures: 0, exhausted: 0, outstanding: 0 }

/** A line as far as it is looked at. */
function lineWith(stats: { waitingRecords: number; damagedRecords: number }): SpooledLineParts {
  const gateway = { ledger: LEDGER, insideCount: stats.waitingRecords }
  return { gateway, spool: { stats: { ...stats, unsettledRecords: 0 } } } as never
}

function newWitness(): SpoolWitness {
  const [node] = new LineWorld(1).settings.nodes
  const diskFaults = { errorPerMille: 0, slowPerMille: 0, capacityBytes: null }
  const world = new World({ seed: 1 })
  return new SpoolWitness(world, new RecordBook(world), { ...node!, diskFaults })
}

test('what was being written when the process ended may be damaged, and nothing else', () => {
  const witness = newWitness()
  const start = (damagedRecords: number) =>
    witness.onStart(lineWith({ waitingRecords: 0, damagedRecords }))
  start(0)
  witness.check(lineWith({ waitingRecords: 9, damagedRecords: 0 }), new Shelf(false))
  witness.check(lineWith({ waitingRecords: 4, damagedRecords: 0 }), new Shelf(false))

  start(4)
  start(4)

  assert.throws(() => start(5), /5 records are damaged, not 4/)
})
