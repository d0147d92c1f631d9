import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHttpDate } from '../../src/producer/http-date.ts'

test('a date of HTTP is read, over the ends of months and leap days', () => {
  for (const [text, epochMs] of [
    // The example of RFC 9110.
    ['Sun, 06 Nov 1994 08:49:37 GMT', 784_111_777_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['Wed, 31 Jan 2024 12:00:00 GMT', 1_706_702_400_000],
    ['Thu, 29 Feb 2024 23:59:59 GMT', 1_709_251_199_000],
    ['Fri, 01 Mar 2024 00:00:00 GMT', 1_709_251_200_000],
    ['Wed, 01 Mar 2000 00:00:00 GMT', 951_868_800_000],
    ['Mon, 01 Mar 2100 00:00:00 GMT', 4_107_542_400_000],
  ] as const) {
    assert.equal(parseHttpDate(text), epochMs, text)
  }
})

test('what is no such date is none', () => {
  for (const text of [
    '',
    'now',
    '2024-02-29T23:59:59Z',
    'Sun, 06 Xyz 1994 08:49:37 GMT',
    'Sun, 06 anF 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
  ]) {
    assert.equal(parseHttpDate(text), null, text)
  }
})
