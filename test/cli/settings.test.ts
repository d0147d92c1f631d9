import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readSettings } from '../../src/cli/settings.ts'

/** A configuration file that names a KPL's properties file. */
function filesOf(t: TestContext, yaml: string, properties: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'kpl.properties'), properties)
  const name = join(directory, 'headgate.yaml')
  writeFileSync(name, `kplProperties: ${join(directory, 'kpl.properties')}\n${yaml}`)
  return name
}

test("a KPL's file stands in the place of the producer's defaults; what is said here wins", (t) => {
  const properties = 'RecordTtl = 1000\nRateLimit = 90\nMaxUserRecordSize = 2048\nMaxConnections=7'
  const name = filesOf(t, 'producer:\n  recordTtl: 2000\n', properties)

  const { producer, record } = readSettings(name, { RATE_LIMIT: '80' }, {})

  assert.deepEqual(
    [producer.recordTtl, producer.rateLimit, producer.maxConnections, record.maxBytes],
    [2000, 80, 7, 2048],
  )
})

test("what a KPL's file says in vain is a warning", (t) => {
  const warnings: string[] = []
  readSettings(filesOf(t, '', 'MinConnections = 1'), {}, {}, warnings)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /kpl\.properties:1: MinConnections has no effect/)
})

test("what is wrong in a KPL's file is wrong usage", (t) => {
  const name = filesOf(t, '', 'MinConnections = 0\nRecordTtl = 30000;')
  assert.throws(() => readSettings(name, {}, {}), /2 problems:(.|\n)*properties:2: RecordTtl/)
})

test("a KPL's file that is not there is wrong usage", () => {
  const overrides = { kplProperties: '/nowhere/kpl.properties' }
  assert.throws(() => readSettings(null, {}, overrides), /Cannot read .*\/nowhere\/kpl/)
})

test('record ids that nobody would remember are wrong usage', () => {
  const place = { location: 'body' as const, specification: '/u' }
  const mapping = { resource: 'r', stream: 's', ...place }
  const withId = { ...mapping, resource: 'q', recordId: { ...place, specification: '/id' } }
  const read = (overrides: object) =>
    readSettings(null, {}, { mappings: [mapping, withId], ...overrides })
  assert.equal(read({}).mappings[1]!.recordId!.specification, '/id')
  assert.equal(read({ idempotency: { maxCount: 1, maxAgeMs: 1 } }).idempotency.maxCount, 1)
  const why = /^ExitError: Record ids .*: mappings\[1\]\.recordId$/
  assert.throws(() => read({ spool: { enabled: false } }), why)
  assert.throws(() => read({ idempotency: { maxCount: 0 } }), /idempotency\.maxCount is 0/)
  assert.throws(
    () => read({ idempotency: { maxCount: 0, maxAgeMs: 0 }, spool: { enabled: false } }),
    /spool\.enabled is false, idempotency\.maxCount is 0, idempotency\.maxAgeMs is 0/,
  )
  const none = { mappings: [mapping], spool: { enabled: false }, idempotency: { maxCount: 0 } }
  assert.equal(readSettings(null, {}, none).idempotency.maxCount, 0)
})

test('a place for a record id that leads nowhere is told with its line', (t) => {
  const name = filesOf(
    t,
    'mappings:\n' +
      '  - resource: r\n    stream: s\n    location: header\n    specification: K\n' +
      '    recordId: { location: body, specification: id }\n' +
      '  - resource: q\n    stream: s\n    location: header\n    specification: K\n' +
      '    recordId:\n      location: head\n      specification: X Y\n' +
      '  - resource: p\n    stream: s\n    location: header\n    specification: K\n' +
      '    recordId: { location: header, specification: X Y, required: false }\n',
    '',
  )
  const text = messageOf(() => readSettings(name, {}, {}))
  assert.match(text, /yaml:7: mappings\[0\]\.recordId\.specification: "id": is no JSON pointer/)
  assert.match(text, /yaml:13: mappings\[1\]\.recordId\.location/)
  assert.match(text, /yaml:19: mappings\[2\]\.recordId\.specification: "X Y": is no header name/)
  assert.match(text, /yaml:19: mappings\[2\]\.recordId: unknown: required/)
})

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as Error).message
  }
  return ''
}
