import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings } from '../../src/cli/settings.ts'
import { shareOf } from '../../src/cli/worker-job.ts'

test('what is bounded for the whole is shared out, at least one to each; nothing stays nothing', () => {
  const shareOfCount = (maxCount: number) =>
    shareOf(readSettings(null, {}, { idempotency: { maxCount } }), 3).idempotency.maxCount
  assert.deepEqual([0, 1, 3, 5, 6].map(shareOfCount), [0, 1, 1, 1, 2])
})

test('a mapping is the same for each worker, but for its quota', () => {
  const place = { location: 'body' as const, specification: '/u' }
  const recordId = { location: 'header' as const, specification: 'X-Id' }
  const mapping = { resource: 'r', stream: 's', ...place, recordId }
  const mappings = [mapping, { ...mapping, resource: 'q', quota: { recordsPerSecond: 9 } }]
  const share = shareOf(readSettings(null, {}, { mappings }), 3)
  assert.deepEqual(share.mappings, [mapping, { ...mappings[1], quota: { recordsPerSecond: 3 } }])
})
