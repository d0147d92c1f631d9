import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findJson, textOfJson } from '../../src/gateway/json-scan.ts'
import {
  JSON_MAX_DEPTH,
  JsonError,
  type JsonValue,
  soughtAt,
} from '../../src/gateway/json-value.ts'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What the platform says: the value, or that it is no JSON. */
function parsed(bytes: Buffer): { value: unknown } | null {
  try {
    return { value: JSON.parse(strict.decode(bytes)) }
  } catch {
    return null
  }
}

function lookUp(value: unknown, tokens: readonly string[]): { value: unknown } | null {
  let inner = value
  for (const token of tokens) {
    if (typeof inner !== 'object' || inner === null) return null
    if (Array.isArray(inner) && !/^(0|[1-9][0-9]*)$/.test(token)) return null
    if (!Object.hasOwn(inner, token)) return null
    inner = (inner as Record<string, unknown>)[token]
  }
  return { value: inner }
}

/** Compares with `JSON.parse`: the same documents pass, the same values are found. */
function check(bytes: Buffer, ...paths: readonly (readonly string[])[]): void {
  const expected = parsed(bytes)
  let found: readonly (JsonValue | null)[]
  try {
    found = findJson(bytes, soughtAt(...paths))
  } catch (error) {
    assert.ok(error instanceof JsonError)
    assert.equal(expected, null, `refused what is JSON: ${bytes.toString()}`)
    return
  }
  assert.notEqual(expected, null, `took what is no JSON: ${bytes.toString('latin1')}`)
  assert.equal(found.length, paths.length)
  for (const [index, path] of paths.entries()) {
    checkOne(bytes, lookUp(expected!.value, path), found[index]!)
  }
}

function checkOne(bytes: Buffer, wanted: ReturnType<typeof lookUp>, found: JsonValue | null): void {
  if (wanted === null) return assert.equal(found, null)
  assert.ok(found !== null)
  assert.deepEqual(JSON.parse(bytes.subarray(found.start, found.end).toString()), wanted.value)
  if (found.type === 'string') assert.equal(textOfJson(bytes, found), wanted.value)
}

const HOSTILE = [
  '',
  ' ',
  'null',
  'nul',
  'nulll',
  'tru',
  'true false',
  '-',
  '-0',
  '0',
  '00',
  '01',
  '1.',
  '.5',
  '1.5e',
  '1e5',
  '1E+5',
  '1e999',
  '-1e-999',
  '123456789012345678901234567890',
  '+1',
  'NaN',
  'Infinity',
  '0x10',
  '"',
  '"a',
  '"a\\"',
  '"\\u12"',
  '"\\u12G4"',
  '"\\ud800"',
  '"\\ud83d\\ude00"',
  '"\\x"',
  '"\u0000"',
  '"\n"',
  '"\t"',
  '"\u007f"',
  '"\u2028"',
  "'a'",
  '[',
  '[]',
  '[,]',
  '[1,]',
  '[1 2]',
  '[1,2]',
  '{',
  '{}',
  '{,}',
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{"a":1 "b":2}',
  '{a:1}',
  '{"a":1}}',
  '{"a":1}x',
  '\ufeff{}',
  ' \t\r\n{ "a" : [ 1 , { "b" : null } ] } \n',
  '\u00a0{}',
  '{"__proto__":{"a":1}}',
  '{"a":{"b":1},"a":2}',
  '{"a":2,"a":{"b":1}}',
  '{"a":{"b":1},"a":{"c":1}}',
  '{"\\u0061":{"b":5}}',
  '{"a":1,"\\u0061":{"b":6}}',
  '{"":{"":7}}',
  '[[[0,1],2],3]',
]

const POINTERS = [
  [],
  ['a'],
  ['a', 'b'],
  ['a', '1', 'b'],
  ['__proto__', 'a'],
  ['', ''],
  ['0'],
  ['0', '0', '1'],
  ['-'],
  ['01'],
  ['length'],
]

test('hostile documents are taken and refused as JSON.parse does', () => {
  for (const text of HOSTILE) {
    for (const pointer of POINTERS) {
      check(Buffer.from(text), pointer)
      // Large enough for the four-bytes-at-a-time path, at each alignment.
      for (let shift = 0; shift < 4; shift++) {
        const padded = Buffer.from(`${'x'.repeat(shift)}{"pad":"${'p'.repeat(300)}","a":${text}}`)
        check(padded.subarray(shift), ['a', ...pointer])
      }
    }
  }
})

test('bytes that are no UTF-8 are refused wherever they stand', () => {
  for (const bad of [
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xe2, 0x82],
  ]) {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bad), Buffer.from('"}')])
    check(bytes, ['a'])
    assert.throws(() => findJson(bytes, soughtAt(['a'])), JsonError)
  }
})

test('every truncation and every flipped byte is judged as JSON.parse judges it', () => {
  const text = `{"k\\u00e9":[1.5e-3,true,null,"${'ä"'.replace('"', '\\"').repeat(60)}"],"a":{"b":-0}}`
  const whole = Buffer.from(text.repeat(1))
  for (let end = 0; end < whole.length; end++) check(whole.subarray(0, end), ['a', 'b'])
  for (let i = 0; i < whole.length; i++) {
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const broken = Buffer.from(whole)
      broken[i]! ^= flip
      check(broken, ['a', 'b'])
    }
  }
})

test('generated documents: the values found are those that JSON.parse has', () => {
  const document = fc.json({ maxDepth: 5, stringUnit: 'binary' })
  const token = fc.oneof(fc.constantFrom('a', 'b', '0', '1', ''), fc.string())
  const path = fc.array(token, { maxLength: 3 })
  fc.assert(
    fc.property(document, fc.array(path, { maxLength: 3 }), fc.nat(3), (text, paths, shift) => {
      const bytes = Buffer.concat([Buffer.alloc(shift, 0x78), Buffer.from(text)])
      check(bytes.subarray(shift), ...paths)
    }),
    { numRuns: 500 },
  )
})

test('generated documents: a value is found by the path that leads to it', () => {
  const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.constant(null))
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.nat(4)), { maxLength: 6 }),
      leaf,
      fc.string({ maxLength: 600 }),
      (path, value, filler) => {
        let document: unknown = value
        for (const step of path.toReversed()) {
          document =
            typeof step === 'number'
              ? [...Array(step).fill(filler), document, filler]
              : Object.fromEntries([
                  ['filler', filler],
                  [step, document],
                ])
        }
        check(Buffer.from(JSON.stringify(document)), path.map(String))
      },
    ),
    { numRuns: 500 },
  )
})

test('nesting is taken at the bound, and refused beyond it', () => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
  for (const depth of [JSON_MAX_DEPTH - 1, JSON_MAX_DEPTH]) {
    assert.equal(findJson(nested(depth), soughtAt([]))[0]?.type, 'array')
  }
  assert.throws(() => findJson(nested(JSON_MAX_DEPTH + 1), soughtAt([])), { code: 'too-deep' })
  assert.throws(() => findJson(Buffer.from('['.repeat(1_000_000)), soughtAt([])), {
    code: 'too-deep',
  })
  const deepObject = Buffer.from('{"a":'.repeat(JSON_MAX_DEPTH + 1))
  assert.throws(() => findJson(deepObject, soughtAt(['a', 'a'])), { code: 'too-deep' })
})

test('several values are found in one pass, also one within another or the same twice', () => {
  const text =
    '{"b":1,"a":{"id":"x","k":[5,{"id":7}]},"\\u0062":[2],"a":{"k":[{"id":9},8]},"c":"\\u0061"}'
  const paths = [
    ['a', 'k', '0', 'id'],
    ['b'],
    ['a', 'k'],
    ['b'],
    ['a', 'id'],
    ['c'],
    ['b', '0'],
    [],
  ]
  for (const one of paths) {
    check(Buffer.from(text), one)
    for (const other of paths) check(Buffer.from(text), one, other)
  }
  check(Buffer.from(text), ...paths)
  check(Buffer.from('[1]'), ['a'], ['0'])
  check(Buffer.from('{"a":1'), ['a'], ['b'])
  // What only the first of two members had is not there.
  const found = findJson(Buffer.from(text), soughtAt(['a', 'id'], ['a', 'k']))
  assert.equal(found[0], null)
  assert.equal(found[1]!.type, 'array')
})

test('nothing of a document is found in the next one', () => {
  const sought = soughtAt(['a'], ['b', 'c'])
  const first = findJson(Buffer.from('{"a":1,"b":{"c":2}}'), sought)
  assert.ok(first.every((value) => value !== null))
  assert.deepEqual(findJson(Buffer.from('{"b":{}}'), sought), [null, null])
  assert.throws(() => findJson(Buffer.from('{"a":1,"b":{"c":2}'), sought), JsonError)
  assert.deepEqual(findJson(Buffer.from('3'), sought), [null, null])
})

test('no values are sought: the document is only proved to be JSON', () => {
  assert.deepEqual(findJson(Buffer.from('{"a":[]}'), soughtAt()), [])
  assert.throws(() => findJson(Buffer.from('{"a":[}'), soughtAt()), JsonError)
})
