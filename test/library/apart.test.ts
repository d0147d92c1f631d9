import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apart } from '../../src/library/apart.ts'

test('a line without fields is written without, so that the console prints nothing for them', () => {
  const written: unknown[][] = []
  const write = (...args: unknown[]) => written.push(args)
  const log = apart({ info: write, warn: write, error: write })

  log.warn('alone')
  log.error('with fields', { stream: 's' })

  assert.deepEqual(written, [['alone'], ['with fields', { stream: 's' }]])
})
