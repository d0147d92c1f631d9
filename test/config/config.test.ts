import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import {
  ConfigError,
  choice,
  flag,
  integer,
  markdownOf,
  readConfig,
  shaped,
  text,
} from '../../src/config/index.ts'

const fields = {
  port: integer({ default: 80, min: 0, max: 65_535, env: 'PORT', says: 'The port.' }),
  region: text({ default: '', pattern: /^([a-z]+-[0-9])?$/, allowed: 'a region', says: 'Where.' }),
  backpressure: {
    threshold: integer({
      default: 10,
      min: 1,
      max: 99,
      unit: 'records',
      env: 'THRESHOLD',
      says: 'Most.',
    }),
    strategy: choice(['wait', 'reject'], { default: 'wait', says: 'How.' }),
    isOn: flag({ default: true, env: 'ON', says: 'Whether.' }),
  },
  list: shaped({
    default: [{ name: 'a' }],
    schema: z.array(
      z.strictObject({ name: z.string().min(1), ack: z.enum(['x', 'y']).optional() }),
    ),
    allowed: 'a list',
    says: 'Things.',
  }),
}

function problemsOf(sources: Parameters<typeof readConfig<typeof fields>>[1]): string[] {
  try {
    readConfig(fields, sources)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ path, where, message }) => `${where} | ${path} | ${message}`)
  }
  return []
}

function file(...lines: string[]) {
  return { file: { name: 'c.yaml', text: lines.join('\n') } }
}

test('nothing said gives the defaults, frozen', () => {
  const config = readConfig(fields, {})
  assert.deepEqual(config, {
    port: 80,
    region: '',
    backpressure: { threshold: 10, strategy: 'wait', isOn: true },
    list: [{ name: 'a' }],
  })
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.backpressure))
})

test('the command line wins over the environment, that over the file, that over the default', () => {
  const sources = file('port: 1', 'backpressure:', '  threshold: 2')
  assert.equal(readConfig(fields, sources).port, 1)
  assert.equal(readConfig(fields, { ...sources, env: { PORT: '3' } }).port, 3)
  assert.equal(
    readConfig(fields, { ...sources, env: { PORT: '3' }, overrides: { port: 4 } }).port,
    4,
  )
  assert.equal(readConfig(fields, sources).backpressure.threshold, 2)
})

test('an empty variable says nothing', () => {
  assert.equal(readConfig(fields, { env: { PORT: '' } }).port, 80)
})

test('words of the environment become numbers and flags', () => {
  const config = readConfig(fields, { env: { PORT: '8_080', ON: 'FALSE', THRESHOLD: '99' } })
  assert.deepEqual(
    [config.port, config.backpressure.isOn, config.backpressure.threshold],
    [8080, false, 99],
  )
})

test('a range is taken at its ends and refused beyond', () => {
  for (const good of [1, 99]) {
    assert.equal(
      readConfig(fields, { overrides: { backpressure: { threshold: good } } }).backpressure
        .threshold,
      good,
    )
  }
  for (const bad of [0, 100, 1.5, '10 ', null]) {
    const overrides = { backpressure: { threshold: bad as number } }
    assert.equal(problemsOf({ overrides }).length, 1, String(bad))
  }
})

test('every problem is reported at once, with path, place and what is allowed', () => {
  const problems = problemsOf({
    ...file(
      'port: eighty',
      'backpresure: {}',
      'backpressure:',
      '  threshold: 0',
      '  strategy: hope',
      '  isOn: 1',
    ),
    env: { ON: 'perhaps' },
  })
  assert.deepEqual(problems, [
    'c.yaml:2 | backpresure | unknown setting; did you mean backpressure?',
    'c.yaml:1 | port | "eighty" is not allowed; allowed is 0..65535',
    'c.yaml:4 | backpressure.threshold | 0 is not allowed; allowed is 1..99 records',
    'c.yaml:5 | backpressure.strategy | "hope" is not allowed; allowed is wait | reject',
    'c.yaml:6 | backpressure.isOn | 1 is not allowed; allowed is true or false',
    'environment ON | backpressure.isOn | "perhaps" is not allowed; allowed is true or false',
  ])
})

test('a number that is none is told as it is', () => {
  assert.deepEqual(
    problemsOf({ overrides: { port: Number.NaN, list: Number.POSITIVE_INFINITY as never } }),
    [
      'command line | port | NaN is not allowed; allowed is 0..65535',
      'command line | list | Infinity is not allowed; allowed is a list',
    ],
  )
})

test('a problem inside a list says which item and line', () => {
  const problems = problemsOf(file('list:', '  - name: good', '  - name: ""', '  - nam: typo'))
  assert.equal(problems.length, 3)
  assert.match(problems[0]!, /^c\.yaml:3 \| list\[1\]\.name \|/)
  assert.ok(
    problems.some((problem) => /^c\.yaml:4 \| list\[2\]/.test(problem) && /nam/.test(problem)),
  )
})

test('a section that is no section is said to be none', () => {
  const [problem] = problemsOf(file('backpressure: 5'))
  assert.match(
    problem!,
    /c\.yaml:1 \| backpressure \| 5 is no section with threshold, strategy, isOn/,
  )
})

test('what is no YAML is reported with its line', () => {
  const problems = problemsOf(file('port: 1', 'list: [1', 'x: }'))
  assert.match(problems[0]!, /^c\.yaml:[23] \| {2}\| no YAML/)
})

test('an alias without its anchor, or that grows without end, is a problem and no crash', () => {
  assert.match(problemsOf(file('port: *x'))[0]!, /no YAML: Unresolved alias/)
  const lines = ['l0: &l0 [1,1,1,1,1,1,1,1,1]']
  for (let i = 1; i < 9; i++) lines.push(`l${i}: &l${i} [${`*l${i - 1},`.repeat(9)}]`)
  assert.match(problemsOf(file(...lines))[0]!, /no YAML: Excessive alias count/)
})

test('what is wrong in one source is told also where another wins', () => {
  const problems = problemsOf({
    ...file('port: eighty'),
    env: { PORT: 'x' },
    overrides: { port: 1 },
  })
  assert.equal(problems.length, 2)
})

test('a file that is empty, or only comments, says nothing', () => {
  assert.equal(readConfig(fields, file('# nothing')).port, 80)
  assert.equal(readConfig(fields, file('')).port, 80)
})

test('a name that every object has is still unknown', () => {
  assert.match(problemsOf(file('constructor: 1'))[0]!, /unknown setting/)
  assert.match(problemsOf(file('__proto__: 1'))[0]!, /unknown setting/)
})

test('the table prints itself', () => {
  const table = markdownOf(fields)
  assert.match(
    table,
    /\| `backpressure\.strategy` \| `"wait"` \| wait \\\| reject \| {2}\| How\. \|/,
  )
  assert.match(table, /\| `port` \| `80` \| 0\.\.65535 \| `PORT` \| The port\. \|/)
})
