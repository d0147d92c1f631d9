import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { FAULT_KINDS, parseFaults } from '../../src/kinesis/faults/fault.ts'

test('the page has a good example of every fault', () => {
  const page = readFileSync('docs/embedded-kinesis.md', 'utf8')
  const examples = [...page.matchAll(/\{ kind: [^}…]*\}/g)].map(([text]) => parse(text))
  assert.deepEqual([...parseFaults({ faults: examples }, 'page')], examples)
  const kinds = new Set(examples.map(({ kind }) => kind))
  assert.deepEqual([...kinds].sort(), [...FAULT_KINDS].sort())
})
