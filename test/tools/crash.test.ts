import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CrashOptions, type CrashReport, crash, isGood } from '../../tools/crash/crashes.ts'
import { GATEWAY_TROUBLES, KINESIS_TROUBLES } from '../../tools/crash/troubles.ts'

function run(options: Partial<CrashOptions>): Promise<CrashReport> {
  const usual = { cycles: 10, seed: 10, troubles: ['kill'], workers: 1, isSpooled: true }
  return crash({ ...usual, progress() {}, ...options })
}

/** How many times what was in the table has gone wrong. */
const metOf = (report: CrashReport, table: ReadonlyMap<string, unknown>) =>
  [...table.keys()].reduce((sum, name) => sum + (report.troubles[name] ?? 0), 0)

test('a gateway that is killed ten times under load loses nothing that it promised to keep', async () => {
  const report = await run({ cycles: 10, seed: 10 })

  assert.deepEqual(report.lost, [])
  assert.ok(isGood(report), JSON.stringify(report))
  assert.deepEqual(report.troubles, { kill: 10 })
  assert.ok(report.startMs.count >= 11)
  assert.ok((report.promised['durable'] ?? 0) > 100, JSON.stringify(report.promised))
  assert.ok(report.inDeadLetters > 0)
  assert.ok(report.receipts > 100)
})

test('two workers keep what they promised while all goes wrong that can', async () => {
  const troubles = [...GATEWAY_TROUBLES.keys(), ...KINESIS_TROUBLES.keys()]
  const report = await run({ cycles: 6, seed: 11, troubles, workers: 2 })

  assert.deepEqual(report.findingsTold, [])
  assert.ok(isGood(report), JSON.stringify(report))
  assert.deepEqual([metOf(report, GATEWAY_TROUBLES), metOf(report, KINESIS_TROUBLES)], [6, 6])
  assert.ok((report.promised['durable'] ?? 0) > 100, JSON.stringify(report.promised))
  assert.ok(report.repeated > 0 && report.looks > 0)
})

test('every kind of damage to the promises is a bad report', () => {
  const good = { lost: [], changed: [], untrue: [], storedThough: [], strange: 0, findings: {} }
  const rest = { isLedgerBalanced: true, ledger: { outstanding: 0 } }
  const report = { ...good, ...rest } as unknown as CrashReport

  assert.ok(isGood(report))
  for (const bad of [
    { lost: [7] },
    { changed: [7] },
    { untrue: [7] },
    { storedThough: [7] },
    { strange: 1 },
    { findings: { 'exit code': 1 } },
    { isLedgerBalanced: false },
    { ledger: { outstanding: 1 } },
  ]) {
    assert.ok(!isGood({ ...report, ...bad } as CrashReport), JSON.stringify(bad))
  }
})
