import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mapping } from '../../src/gateway/index.ts'
import { RECORD_ID_MAX_BYTES } from '../../src/gateway/record-id.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { codeOf, headerOfAnswer, Station } from './station.ts'

const body = (specification: string) => ({ location: 'body' as const, specification })
const header = (specification: string) => ({ location: 'header' as const, specification })

/** Key and id at every combination of places; `/u` is the key's place, `/id` the id's. */
const MAPPINGS: Mapping[] = [
  { resource: 'inside', stream: 's', ...body('/u'), recordId: body('/id') },
  { resource: 'other', stream: 's', ...body('/u'), recordId: body('/id') },
  { resource: 'deep', stream: 's', ...body('/u'), recordId: body('/meta/0/eventId') },
  { resource: 'heads', stream: 's', ...header('X-Key'), recordId: header('X-Event-Id') },
  { resource: 'id-head', stream: 's', ...body('/u'), recordId: header('X-Event-Id') },
  { resource: 'key-head', stream: 's', ...header('X-Key'), recordId: body('/id') },
  { resource: 'same', stream: 's', ...body('/id'), recordId: body('/id') },
  { resource: 'none', stream: 's', ...body('/u') },
]

function setUp() {
  const spool = new ScriptedSpool()
  const station = new Station({ mappings: MAPPINGS }, spool)
  const post = (resource: string, text: string, headers: Record<string, string> = {}) =>
    station.post(`/mappedIngest/${resource}`, text, headers)
  /** The status of a request that is kept at once, or why it was not. */
  const outcomeOf = (resource: string, text: string, headers: Record<string, string> = {}) => {
    const before = spool.appended.length
    const asked = post(resource, text, headers)
    if (spool.appended.length > before) spool.commit()
    return asked.answer!.status === 200
      ? headerOfAnswer(asked.answer, 'headgate-receipt')!
      : codeOf(asked.answer)
  }
  return { spool, station, post, outcomeOf }
}

test('wherever key and id are, the same id and body get the first answer again', () => {
  const { spool, station, outcomeOf } = setUp()
  const heads = { 'X-Key': 'k', 'X-Event-Id': 'e-1' }
  const text = '{"u":"k","id":"e-1","meta":[{"eventId":"e-1"}]}'
  const receipts = new Set<string>()
  const withIds = MAPPINGS.filter(({ recordId }) => recordId !== undefined)
  for (const { resource } of withIds) {
    const first = outcomeOf(resource, text, heads)
    assert.match(first, /^r-/, resource)
    assert.equal(outcomeOf(resource, text, heads), first, resource)
    assert.equal(outcomeOf(resource, `${text} `, heads), 'idempotency-mismatch', resource)
    receipts.add(first)
  }
  assert.equal(receipts.size, withIds.length, 'ids of one resource are not those of another')
  assert.equal(spool.keys.size, withIds.length)
  assert.equal(station.ledger()['attempts'], withIds.length)
  assert.equal(station.ledger()['heldBytes'], 0)
})

test('a mapping without ids keeps every record, and asks for none', () => {
  const { spool, outcomeOf } = setUp()
  assert.notEqual(outcomeOf('none', '{"u":1,"id":1}'), outcomeOf('none', '{"u":1,"id":1}'))
  assert.equal(spool.keys.size, 0)
})

test('while the first has no answer the second is told to come back', () => {
  const { spool, post } = setUp()
  const first = post('inside', '{"u":1,"id":"e"}')
  const second = post('inside', '{"u":1,"id":"e"}')
  assert.deepEqual([second.answer!.status, codeOf(second.answer)], [409, 'idempotency-running'])
  assert.ok(Number(headerOfAnswer(second.answer, 'retry-after')) >= 1)
  assert.equal(codeOf(post('inside', '{"u":2,"id":"e"}').answer), 'idempotency-mismatch')
  spool.commit()
  assert.deepEqual(post('inside', '{"u":1,"id":"e"}').answer, first.answer)
  assert.equal(spool.appended.length, 0)
})

test('an id whose record was not kept is free again', () => {
  const { spool, post, outcomeOf } = setUp()
  const first = post('inside', '{"u":1,"id":"e"}')
  spool.refuse({ code: 'sync-failed', message: 'EIO.', mayBeWritten: false })
  assert.equal(codeOf(first.answer), 'sync-failed')
  assert.match(outcomeOf('inside', '{"u":1,"id":"e"}'), /^r-/)
})

test('the same body under another partition key is another record', () => {
  const { outcomeOf } = setUp()
  outcomeOf('key-head', '{"id":"e"}', { 'X-Key': 'a' })
  assert.equal(outcomeOf('key-head', '{"id":"e"}', { 'X-Key': 'b' }), 'idempotency-mismatch')
})

test('other headers and a query change nothing', () => {
  const { station, outcomeOf } = setUp()
  const first = outcomeOf('inside', '{"u":1,"id":"e"}', { 'X-Trace': '1' })
  assert.equal(outcomeOf('inside', '{"u":1,"id":"e"}', { 'X-Trace': '2' }), first)
  const { answer } = station.post('/mappedIngest/inside?try=2', '{"u":1,"id":"e"}')
  assert.equal(headerOfAnswer(answer, 'headgate-receipt'), first)
})

test('the id counts and not the Idempotency-Key beside it, which has to be good all the same', () => {
  const { spool, outcomeOf } = setUp()
  const key = (value: string) => ({ 'Idempotency-Key': value })
  const first = outcomeOf('inside', '{"u":1,"id":"e"}', key('a'))
  assert.equal(outcomeOf('inside', '{"u":1,"id":"e"}', key('b')), first)
  assert.equal(outcomeOf('inside', '{"u":1,"id":"e"}'), first)
  const second = outcomeOf('inside', '{"u":1,"id":"f"}', key('a'))
  assert.match(second, /^r-/)
  assert.notEqual(second, first)
  assert.equal(outcomeOf('inside', '{"u":1,"id":"g"}', key('a b')), 'idempotency-key-invalid')
  assert.deepEqual([...spool.keys.keys()], ['inside e', 'inside f'])
})

test('an Idempotency-Key is never taken for an id, nor an id for one', () => {
  const { outcomeOf } = setUp()
  const first = outcomeOf('inside', '{"u":1,"id":"e"}')
  const others = ['e', 'inside', 'insidee', 'inside_e', 'inside%20e'].map((key) =>
    outcomeOf('none', '{"u":1,"id":"e"}', { 'Idempotency-Key': key }),
  )
  // Written as it is kept, it is no key.
  const same = outcomeOf('none', '{"u":1,"id":"e"}', { 'Idempotency-Key': 'inside e' })
  assert.equal(same, 'idempotency-key-invalid')
  assert.equal(new Set([first, ...others]).size, 6)
})

test('no id of one resource looks like that of another', () => {
  const { outcomeOf } = setUp()
  const ids = ['e', 'inside e', 'other e', ' e', 'e ', 'other', '\u0000', '\n']
  const receipts = ids.flatMap((id) => {
    const text = JSON.stringify({ u: 1, id })
    return [outcomeOf('inside', text), outcomeOf('other', text)]
  })
  assert.equal(new Set(receipts).size, 2 * ids.length)
})

test('an id is text or a number, taken as it is written', () => {
  const { spool, outcomeOf } = setUp()
  const ids = ['"a b"', '"\\u0061\\n"', '1', '1.0', '12345678901234567890', '-1e2', '"ключ 😀"']
  for (const id of ids) assert.match(outcomeOf('inside', `{"u":1,"id":${id}}`), /^r-/, id)
  assert.deepEqual(
    [...spool.keys.keys()],
    ['a b', 'a\n', '1', '1.0', '12345678901234567890', '-1e2', 'ключ 😀'].map(
      (id) => `inside ${id}`,
    ),
  )
  // The text is the number's, the body is not.
  assert.equal(outcomeOf('inside', '{"u":1,"id":"1"}'), 'idempotency-mismatch')
})

test('a body without a good id is refused, the place named and nothing stored', () => {
  const { spool, station, post } = setUp()
  const wrong = (text: string) => {
    const { answer } = post('inside', text)
    assert.equal(answer!.status, 422)
    assert.match(JSON.parse(String(answer!.body)).detail, /\/id/)
    return codeOf(answer)
  }
  assert.equal(wrong('{"u":1}'), 'record-id-not-found')
  for (const value of ['null', '{}', '[1]', 'true', 'false']) {
    assert.equal(wrong(`{"u":1,"id":${value}}`), 'record-id-not-scalar', value)
  }
  assert.equal(wrong('{"u":1,"id":""}'), 'record-id-invalid')
  assert.equal(wrong('{"u":1,"id":"\\ud800"}'), 'record-id-invalid')
  assert.equal(wrong('{"u":1,"id":"a","id":null}'), 'record-id-not-scalar', 'the last one counts')
  assert.equal(codeOf(post('inside', '{"id":1}').answer), 'key-not-found')
  assert.equal(codeOf(post('inside', '{"u":1,"id":1').answer), 'body-not-json')
  assert.deepEqual([spool.appended.length, station.ledger()['attempts']], [0, 0])
  assert.equal(station.ledger()['heldBytes'], 0)
})

test('a head without a good id is refused before the body is read', () => {
  const { station, spool } = setUp()
  const codeFor = (...ids: string[]) => {
    const names = ['X-Event-Id', 'x-event-id']
    const headers = ids.flatMap((id, index) => [names[index]!, id])
    const begun = station.gateway.begin({
      method: 'POST',
      target: '/mappedIngest/id-head',
      headers: [...headers, 'content-length', '7'],
    })
    assert.ok('status' in begun)
    assert.match(String(begun.body), /X-Event-Id/)
    return [begun.status, codeOf(begun)]
  }
  assert.deepEqual(codeFor(), [422, 'record-id-not-found'])
  for (const ids of [[''], ['a', 'b'], ['\u00e9'], ['x'.repeat(257)]]) {
    assert.deepEqual(codeFor(...ids), [422, 'record-id-invalid'], ids.join())
  }
  assert.equal(spool.appended.length, 0)
})

test('an id in a header is read as the UTF-8 that clients write', () => {
  const { spool, outcomeOf } = setUp()
  const onTheWire = Buffer.from('clé', 'utf8').toString('latin1')
  const first = outcomeOf('id-head', '{"u":1}', { 'X-Event-Id': onTheWire })
  assert.deepEqual([...spool.keys.keys()], ['id-head clé'])
  assert.equal(outcomeOf('id-head', '{"u":1}', { 'x-event-id': onTheWire }), first)
})

test('an id is taken at 256 bytes of UTF-8, and refused at 257', () => {
  assert.equal(RECORD_ID_MAX_BYTES, 256)
  const { outcomeOf } = setUp()
  for (const character of ['x', 'é', '😀']) {
    const most = RECORD_ID_MAX_BYTES / Buffer.byteLength(character)
    for (const id of [character.repeat(most - 1), character.repeat(most)]) {
      assert.match(outcomeOf('inside', JSON.stringify({ u: 1, id })), /^r-/)
      const onTheWire = Buffer.from(id).toString('latin1')
      assert.match(outcomeOf('id-head', '{"u":1}', { 'X-Event-Id': onTheWire }), /^r-/)
    }
    const text = JSON.stringify({ u: 1, id: `${character.repeat(most)}x` })
    assert.equal(outcomeOf('inside', text), 'record-id-invalid')
  }
})

test('a spool that is full still answers whose id has been taken, and refuses who is new', () => {
  const { spool, station, outcomeOf } = setUp()
  const first = outcomeOf('inside', '{"u":1,"id":"e"}')
  const second = outcomeOf('id-head', '{"u":1}', { 'X-Event-Id': 'e' })
  spool.refuses = { code: 'spool-full', message: 'It is full.', mayBeWritten: false }
  assert.equal(outcomeOf('inside', '{"u":1,"id":"e"}'), first)
  assert.equal(outcomeOf('id-head', '{"u":1}', { 'X-Event-Id': 'e' }), second)
  assert.equal(outcomeOf('inside', '{"u":1,"id":"f"}'), 'spool-full')
  const { attempts, exhausted } = station.ledger()
  assert.deepEqual([attempts, exhausted], [3, 1])
  spool.refuses = null
  assert.match(outcomeOf('inside', '{"u":1,"id":"f"}'), /^r-/, 'the id is free again')
})

test('a body that is nothing but its id is known by it, and what else it is is said', () => {
  const spool = new ScriptedSpool()
  const mapping = { resource: 'r', stream: 's', ...header('X-Key'), recordId: body('') }
  const station = new Station({ mappings: [mapping] }, spool)
  const post = (text: string) => station.post('/mappedIngest/r', text, { 'X-Key': 'k' })
  const first = post('"e-1"')
  spool.commit()
  assert.deepEqual(post('"e-1"').answer, first.answer)
  const wrong = post('{"id":1}').answer
  assert.equal(codeOf(wrong), 'record-id-not-scalar')
  assert.match(String(wrong!.body), /At the whole body there is an object/)
})

test('a quota counts what is taken, not what is asked again', () => {
  const quota = { recordsPerSecond: 1 }
  const spool = new ScriptedSpool()
  const station = new Station({ mappings: [{ ...MAPPINGS[0]!, quota }] }, spool)
  const post = (id: number) => station.post('/mappedIngest/inside', `{"u":1,"id":${id}}`)
  const first = post(1)
  spool.commit()
  assert.deepEqual(post(1).answer, first.answer)
  assert.equal(codeOf(post(2).answer), 'quota-exceeded')
  station.clock.advanceBy(1000)
  post(2)
  spool.commit()
  assert.equal(post(2).answer!.status, 200)
})

test('where nothing remembers ids and keys, both are refused and not overlooked', () => {
  const forgetful = new ScriptedSpool()
  forgetful.keepsKeys = false
  for (const spool of [null, forgetful]) {
    const station = new Station({ mappings: MAPPINGS }, spool)
    const post = (resource: string, headers: Record<string, string> = {}) => {
      const { answer } = station.post(`/mappedIngest/${resource}`, '{"u":1,"id":1}', {
        ...headers,
        'Headgate-Ack': 'accepted',
      })
      return answer!.status === 202 ? 202 : codeOf(answer)
    }
    assert.equal(post('inside'), 'idempotency-unavailable')
    assert.equal(post('none', { 'Idempotency-Key': 'k' }), 'idempotency-unavailable')
    assert.equal(post('none'), 202)
  }
})
