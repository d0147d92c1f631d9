import assert from 'node:assert/strict'
import { test } from 'node:test'
import { problem } from '../../src/gateway/index.ts'

test('a document says what this refusal is about, whatever the last one of its code said', () => {
  const said = (detail: string, more?: object) =>
    JSON.parse(
      problem('disk-failed', detail, more === undefined ? {} : { more: { ...more } })
        .body as string,
    )

  const plain = {
    type: 'urn:headgate:problem:disk-failed',
    title: 'The disk fails',
    status: 503,
    code: 'disk-failed',
  }
  assert.deepEqual(said('one'), { ...plain, detail: 'one' })
  assert.deepEqual(said('two'), { ...plain, detail: 'two' })
  assert.deepEqual(said('two'), { ...plain, detail: 'two' })
  assert.deepEqual(said('two', { mayBeWritten: true }), {
    ...plain,
    detail: 'two',
    mayBeWritten: true,
  })
  assert.deepEqual(said('two', { mayBeWritten: false }), {
    ...plain,
    detail: 'two',
    mayBeWritten: false,
  })
  assert.deepEqual(said('two'), { ...plain, detail: 'two' })
})
