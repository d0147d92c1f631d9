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

function newWitness(errorPerMille = 0, world = new World({ seed: 1 })): SpoolWitness {
  const [node] = new LineWorld(1).settings.nodes
  const diskFaults = { errorPerMille, slowPerMille: 0, capacityBytes: null }
  return new SpoolWitness(world, new RecordBook(world), { ...node!, diskFaults })
}

/** A spool that says of every receipt that its record is a dead letter, and has none. */
function lineWithoutLetters(): SpooledLineParts {
  const receipt = async () => ({ state: 'dead-lettered', code: 'x', message: 'x' })
  const deadLetters = { find: () => [], async *read() {} }
  return { spool: { receipt }, deadLetters } as never
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

test('where syncs fail the receipt of a replayed record may say what it said before', async () => {
  for (const [errorPerMille, isReplayed, says] of [
    [0, true, /record 0: no dead letter/],
    [1, false, /record 0: no dead letter/],
    [1, true, null],
  ] as const) {
    const world = new World({ seed: 1 })
    const witness = newWitness(errorPerMille, world)
    const fields = { stream: 's1', partitionKey: 'a', dataBytes: 60, isFromClient: true }
    const booked = new RecordBook(world).write(fields)
    booked.isReplayed = isReplayed
    witness.receipts.set('a receipt', booked)

    const reading = witness.read(lineWithoutLetters())

    if (says === null) await reading
    else await assert.rejects(reading, says)
  }
})
