import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXPLICIT_HASH_KEY_PATTERN, STREAM_NAME_PATTERN } from '../../src/wire/index.ts'

test('stream names have 1 to 128 of the characters that the service allows', () => {
  for (const name of ['a', 'A-1_b.c', 'x'.repeat(128)]) assert.match(name, STREAM_NAME_PATTERN)
  for (const name of ['', 'x'.repeat(129), 'a b', 'ü', 'a/b', 'a\n']) {
    assert.doesNotMatch(name, STREAM_NAME_PATTERN)
  }
})

test('explicit hash keys are decimal without leading zeros', () => {
  for (const text of ['0', '7', '340282366920938463463374607431768211455']) {
    assert.match(text, EXPLICIT_HASH_KEY_PATTERN)
  }
  for (const text of ['', '00', '07', '-1', '1.0', ' 1', '1\n', '9'.repeat(40)]) {
    assert.doesNotMatch(text, EXPLICIT_HASH_KEY_PATTERN)
  }
})
