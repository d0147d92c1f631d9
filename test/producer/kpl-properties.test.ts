// A KPL's configuration, moved here as it is.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ConfigError, type Fields, isField } from '../../src/config/index.ts'
import {
  producerFields,
  transportFields,
  userRecordFields,
  vestigialFields,
} from '../../src/producer/index.ts'
import { readKplProperties } from '../../src/producer/kpl-properties.ts'

/** A setting of the KPL as it has it; test/vectors/README.md says where from. */
type Setting = { readonly key: string; readonly isVestigial?: true } & (
  | { readonly type: 'boolean'; readonly default: boolean | null }
  | {
      readonly type: 'integer'
      readonly default: number
      readonly min: string
      readonly max: string
      readonly unit?: string
    }
  | {
      readonly type: 'string'
      readonly default: string
      readonly pattern?: string
      readonly values?: string[]
    }
)

const { settings: SETTINGS } = JSON.parse(
  readFileSync('test/vectors/kpl-settings.json', 'utf8'),
) as { settings: Setting[] }

const LONG = '9223372036854775807'

/** What we have otherwise on purpose: docs/kpl.md, "Different on purpose". */
const OTHER_DEFAULTS = new Map<string, unknown>([
  ['RateLimit', 'adaptive'],
  // Of three values there two mean nothing here.
  ['EnableCoreDumps', false],
])
/** The KPL takes any text, and then finds no such host. */
const OTHER_PATTERNS: ReadonlyMap<string, string> = new Map([
  ['ProxyHost', '^([A-Za-z0-9\\-.]+|\\[[0-9A-Fa-f:.]+\\])?$'],
])

/** Texts to try on every setting that has a rule for them. */
const TEXTS = [
  '',
  'eu-central-1',
  'us-gov-west-1',
  'Frankfurt',
  'host',
  'kinesis.example.com',
  'https://kinesis.example.com',
  'host:1',
  'a/b',
  'a b',
  'own',
  'AWS/own',
  'n'.repeat(255),
  'n'.repeat(256),
  ...SETTINGS.flatMap((one) => (one.type === 'string' ? (one.values ?? []) : [])),
]

const FIELDS: Fields = {
  ...producerFields,
  ...transportFields,
  ...userRecordFields,
  ...vestigialFields,
}

function camel(key: string): string {
  return key[0]!.toLowerCase() + key.slice(1)
}

function problemsOf(...lines: string[]): string[] {
  try {
    readKplProperties('kpl.properties', lines.join('\n'))
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message.split('\n')
  }
  return []
}

/** What is taken, and what is not, of one setting. */
function valuesOf(setting: Setting): { good: string[]; bad: string[] } {
  if (setting.type === 'boolean') return { good: ['true', 'false', 'TRUE'], bad: ['yes', '2', ''] }
  if (setting.type === 'integer') {
    const min = BigInt(setting.min)
    const max = BigInt(setting.max)
    // Near the end of Java's longs our numbers are 1 024 apart.
    const above = max + (`${max}` === LONG ? 1026n : 1n)
    return { good: [`${min}`, `${max}`], bad: [`${min - 1n}`, `${above}`, 'many', '1.5', ''] }
  }
  const { values } = setting
  const pattern = OTHER_PATTERNS.get(setting.key) ?? setting.pattern
  const isGood = (text: string) => values?.includes(text) ?? new RegExp(pattern ?? '').test(text)
  return { good: TEXTS.filter(isGood), bad: TEXTS.filter((text) => !isGood(text)) }
}

for (const setting of SETTINGS) {
  const { key } = setting
  test(`${key} has the KPL's default and is taken from where the KPL takes it`, () => {
    const field = FIELDS[camel(key)]!
    assert.ok(isField(field), 'there is such a setting')
    assert.equal(field.default, OTHER_DEFAULTS.get(key) ?? setting.default)
    const { good, bad } = valuesOf(setting)
    for (const value of good) assert.deepEqual(problemsOf(`${key} = ${value}`), [], value)
    for (const value of bad) assert.equal(problemsOf(`${key} = ${value}`).length, 1, value)
    if (setting.type !== 'integer') return
    const unit = / (\S+)$/.exec(field.allowed)?.[1]
    assert.equal(unit, setting.unit)
  })
}

test('of the settings of the KPL those without effect are said, each with why, and no others', () => {
  for (const { key, isVestigial = false, default: value } of SETTINGS) {
    const { settings, warnings } = readKplProperties('f', `${key} = ${value ?? true}`)
    assert.equal(warnings.length, isVestigial ? 1 : 0, key)
    assert.equal(Object.hasOwn(settings, camel(key)), !isVestigial, key)
    if (isVestigial) assert.match(warnings[0]!, new RegExp(`^f:1: ${key} has no effect: \\S.{20,}`))
  }
  const vestigial = SETTINGS.filter((one) => one.isVestigial).map(({ key }) => camel(key))
  assert.deepEqual(Object.keys(vestigialFields).sort(), vestigial.sort())
})

test('what has an effect is a setting; what has none is a warning that says why', () => {
  const { settings, warnings } = readKplProperties(
    'kpl.properties',
    ['RecordTtl = 60000', 'ThreadingModel: POOLED', 'Region eu-central-1'].join('\n'),
  )
  assert.deepEqual(settings, { recordTtl: 60_000, region: 'eu-central-1' })
  assert.deepEqual(warnings, [
    'kpl.properties:2: ThreadingModel has no effect: requests wait for the service without ' +
      'threads; maxConnections bounds them',
  ])
})

test('a key that nobody knows is a warning, with the nearest that we know', () => {
  const { settings, warnings } = readKplProperties('f', 'RecordTtll=5\nrecordTtl=5\nQwertyuiop=1')
  assert.deepEqual(settings, {})
  assert.deepEqual(warnings, [
    'f:1: RecordTtll is no key that we know; did you mean RecordTtl?',
    'f:2: recordTtl is no key that we know; did you mean RecordTtl?',
    'f:3: Qwertyuiop is no key that we know',
  ])
})

test('a name that the KPL had before means the one that it has now', () => {
  const { settings, warnings } = readKplProperties('f', 'Port=4567\nCustomEndpoint=a.b\nport=1')
  assert.deepEqual(settings, {})
  assert.deepEqual(warnings, [
    'f:1: Port is no key that we know; did you mean KinesisPort?',
    'f:2: CustomEndpoint is no key that we know; did you mean KinesisEndpoint?',
    'f:3: port is no key that we know; did you mean KinesisPort?',
  ])
})

test("the semicolon of the KPL's sample file is named, with key and line", () => {
  assert.deepEqual(problemsOf('# sizes', 'MaxUserRecordSize = 1048576;'), [
    'kpl.properties:2: MaxUserRecordSize: "1048576;" is not allowed; allowed is ' +
      '64..10485760 bytes; a line of a properties file ends without a semicolon',
  ])
})

test('every value that is wrong is told at once', () => {
  const problems = problemsOf('RecordTtl = 99', 'RateLimit = 0', 'TempDirectory = C:\\users')
  assert.equal(problems.length, 3)
  assert.match(problems[2]!, /^kpl\.properties:3: TempDirectory: a \\u stands before/)
  // Once, though what is left of it would be wrong as well; and what is long is cut.
  assert.equal(problemsOf('RecordTtl = \\u12').length, 1)
  const [long] = problemsOf(`RecordTtl = ${'9'.repeat(61)}`)
  assert.match(long!, /: "9{57}\.\.\." is not allowed/)
  assert.match(problemsOf(`RecordTtl = ${'9'.repeat(60)}`)[0]!, /: "9{60}" is not allowed/)
})

test('of a key that is said twice the last one counts', () => {
  const { settings } = readKplProperties('f', 'RecordTtl=1000\nRecordTtl=2000')
  assert.deepEqual(settings, { recordTtl: 2000 })
})
