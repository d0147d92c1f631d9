import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSizeRefusals } from '../../src/sim/attempt-checker.ts'
import type { BookedRecord } from '../../src/sim/record-book.ts'

const SIZES = new Map([['s', { leastBytes: 1_000, mostBytes: 2_000 }]])

function refused(dataBytes: number, code: string): BookedRecord {
  const result = { isDelivered: false, code }
  return {
    id: 3,
    stream: 's',
    partitionKey: 'ключ',
    data: Buffer.alloc(dataBytes),
    result,
  } as never
}

test('a record that its stream always took may not be called too large', () => {
  checkSizeRefusals([refused(993, 'RecordTooLarge'), refused(10, 'Expired')], SIZES)

  const look = () => checkSizeRefusals([refused(992, 'RecordTooLarge')], SIZES)
  assert.throws(look, /record 3 is called too large with 1000 bytes/)
})
