import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { readSettings } from '../../src/cli/settings.ts'
import { ConfigError } from '../../src/config/index.ts'
import { asHeadgate, readExperiment, scaled } from '../../src/lab/index.ts'
import { PAYLOAD_MIN_BYTES, payloadOf } from '../../src/lab/payload.ts'
import { experimentOf } from './small-run.ts'

const NAMES = readdirSync(new URL('../../lab/experiments/', import.meta.url))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replace('.yaml', ''))

function problemsOf(text: string): string[] {
  try {
    readExperiment({ name: 'own.yaml', text })
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ where, path, message }) => `${where} ${path}: ${message}`)
  }
}

test('the fifteen experiments of the log are there, each with what the log saw', () => {
  const experiments = NAMES.map((name) => experimentOf(name))

  assert.equal(experiments.filter(({ log }) => log !== null).length, 15)
  for (const { says, log } of experiments) assert.ok(says !== '' && log?.saw !== '')
})

test('an experiment has the settings of the log where it says nothing', () => {
  const { producer, gateway, load, world } = experimentOf('bp-10000-50t')

  assert.deepEqual(
    [producer.recordMaxBufferedTime, producer.maxConnections, producer.requestTimeout],
    [3000, 10, 60_000],
  )
  assert.deepEqual(
    [producer.rateLimit, producer.recordTtl, producer.signing],
    [150, 30_000, 'early'],
  )
  assert.equal(gateway.ack.default, 'accepted')
  assert.deepEqual(
    [gateway.backpressure.threshold, gateway.backpressure.strategy],
    [10_000, 'wait'],
  )
  assert.deepEqual([load.threads, load.rampUpMs, load.loops], [50, 750_000, 25_000])
  assert.equal(world.linkKbitPerSecond, 5800)
})

test('mistakes are told with line and field, all at once', () => {
  const text = [
    'name: own',
    'load:',
    '  threads: none',
    '  rampUp: 5',
    'producer:',
    '  rateLimit: 0',
    'log:',
    '  samples: many',
    '  saw: nothing',
  ].join('\n')

  assert.deepEqual(problemsOf(text), [
    'own.yaml:4 load.rampUp: unknown setting; did you mean rampUpMs?',
    'own.yaml:3 load.threads: "none" is not allowed; allowed is 1..10000',
    'own.yaml:6 producer.rateLimit: 0 is not allowed; allowed is adaptive | 1..9223372036854775807 %',
    'own.yaml:8 log.samples: "many": Invalid input: expected number, received string',
  ])
})

test('a file and its experiment have one name', () => {
  assert.match(problemsOf('name: other').join(), /the file is named own/)
})

test('a payload is as small as its key allows, and no smaller', () => {
  const withBytes = (bytes: number) => problemsOf(`name: own\npayload:\n  bytes: ${bytes}`)

  assert.deepEqual(withBytes(PAYLOAD_MIN_BYTES), [])
  assert.equal(payloadOf(PAYLOAD_MIN_BYTES).length, PAYLOAD_MIN_BYTES)
  assert.match(withBytes(PAYLOAD_MIN_BYTES - 1).join(), /own\.yaml:3 payload\.bytes/)
})

test('scaling shrinks ramp-up, loops and counts alike, and nothing else', () => {
  const whole = experimentOf('bp-500')

  const tenth = scaled(whole, 0.1)

  assert.deepEqual(
    [tenth.load.rampUpMs, tenth.load.loops, tenth.load.stopAfterSamples, tenth.load.threads],
    [75_000, 2500, 44_389, 25],
  )
  assert.deepEqual(tenth.gateway, whole.gateway)
})

test("as Headgate: the load and the world stay, every setting is the program's default", () => {
  const own = experimentOf('bp-10000-4shards-300ms-rl100')

  const headgate = asHeadgate(own)

  assert.deepEqual(headgate.load, own.load)
  assert.deepEqual(headgate.world.linkKbitPerSecond, own.world.linkKbitPerSecond)
  const program = readSettings(null, {}, {})
  const { mappings: _, ...gateway } = headgate.gateway
  assert.deepEqual(gateway, pick(program, gateway))
  assert.deepEqual(headgate.producer, pick(program.producer, headgate.producer))
  assert.deepEqual(headgate.spool, program.spool)
})

test('an answer that needs the spool is refused where there is none', () => {
  assert.match(
    problemsOf('name: own\ngateway:\n  ack: { default: durable }').join(),
    /spool\.enabled/,
  )
  const spooled = 'name: own\ngateway:\n  ack: { default: durable }\nspool: { enabled: true }'
  assert.deepEqual(problemsOf(spooled), [])
})

/** What `like` has, of a whole. */
function pick(whole: object, like: object): object {
  const values = new Map(Object.entries(whole))
  return Object.fromEntries(Object.keys(like).map((name) => [name, values.get(name)]))
}
