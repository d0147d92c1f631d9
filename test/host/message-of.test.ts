import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf } from '../../src/host/index.ts'

test('what was thrown is told in words, on one line', () => {
  // As Node tells it when a name has two addresses and neither takes a connection.
  const both = new AggregateError([
    new Error('connect ECONNREFUSED ::1:4567'),
    new Error('connect ECONNREFUSED 127.0.0.1:4567'),
  ])
  const told: [thrown: unknown, message: string][] = [
    [new Error('not there'), 'not there'],
    [
      new Error('write EPROTO 80:error:wrong version number:\n'),
      'write EPROTO 80:error:wrong version number:',
    ],
    [new Error('one\r\n  two\n\nthree'), 'one two three'],
    [both, 'connect ECONNREFUSED ::1:4567; connect ECONNREFUSED 127.0.0.1:4567'],
    [new AggregateError([new Error('one')], 'all failed'), 'all failed'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
  ]
  for (const [thrown, message] of told) assert.equal(messageOf(thrown), message)
})
