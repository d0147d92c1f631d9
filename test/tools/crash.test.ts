import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crash, isGood } from '../../tools/crash/crashes.ts'

test('a gateway that is killed ten times under load loses nothing that it promised to keep', async () => {
  const report = await crash({ cycles: 10, seed: 10, progress() {} })
  assert.deepEqual(report.lost, [])
  assert.ok(isGood(report), JSON.stringify(report))
  assert.equal(report.kills, 10)
  assert.ok((report.promised['durable'] ?? 0) > 100, JSON.stringify(report.promised))
  assert.ok(report.inDeadLetters > 0)
})
