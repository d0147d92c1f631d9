import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetricsTree } from '../../../src/producer/metrics/metrics-tree.ts'
import {
  PROMETHEUS_CONTENT_TYPE,
  prometheusText,
} from '../../../src/producer/metrics/prometheus-text.ts'
import { line } from '../line.ts'
import { evenShards } from '../scripted-service.ts'

// The grammar of the exposition format 0.0.4 (prometheus.io, "Exposition formats").
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"'
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?[0-9.]+(?:e[+-]?\\d+)?)$`,
)
const HELP = new RegExp(`^# HELP (${NAME}) [^\\n]+$`)
const TYPE = new RegExp(`^# TYPE (${NAME}) (summary|gauge)$`)

/** Value by `name{labels}`; refuses what is not the format. */
function parsed(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  const families = new Set<string>()
  let [family, type] = ['', '']
  assert.ok(text.endsWith('\n'))
  for (const row of text.slice(0, -1).split('\n')) {
    const [help, kind, sample] = [HELP.exec(row), TYPE.exec(row), SAMPLE.exec(row)]
    if (help !== null) {
      assert.ok(!families.has(help[1]!), `${help[1]} comes twice`)
      family = help[1]!
      families.add(family)
    } else if (kind !== null) {
      assert.equal(kind[1], family)
      type = kind[2]!
    } else {
      assert.ok(sample !== null, row)
      const names = type === 'gauge' ? [family] : [`${family}_sum`, `${family}_count`]
      assert.ok(names.includes(sample[1]!), row)
      const key = row.slice(0, row.lastIndexOf(' '))
      assert.ok(!samples.has(key), `${key} comes twice`)
      samples.set(key, Number(sample[3]))
    }
  }
  for (const name of families) {
    const isSaid = [...samples.keys()].some((key) => key.startsWith(name))
    assert.ok(isSaid, `${name} has no samples`)
  }
  return samples
}

test('scrapers are told of the format in the words of its page', () => {
  // prometheus.io, "Exposition formats", text-based format: basic info.
  assert.equal(PROMETHEUS_CONTENT_TYPE, 'text/plain; version=0.0.4; charset=utf-8')
})

test('the text of a line that delivered is well-formed, in base units, without overlap', async () => {
  const running = line({ shards: evenShards(2) })
  for (let i = 0; i < 20; i++) running.put(`key-${i}`, 'xxx')
  await running.runFor(1000)
  running.service.latencyMs = 60_000
  running.put('open', 'xxxx')

  const samples = parsed(running.producer.prometheusText())

  const sumOf = (start: string) =>
    [...samples].reduce((sum, [key, value]) => (key.startsWith(start) ? sum + value : sum), 0)
  assert.equal(sumOf('headgate_producer_user_records_put_sum'), 20)
  assert.equal(sumOf('headgate_producer_user_records_put_count'), 20)
  assert.equal(sumOf('headgate_producer_user_records_data_put_bytes_sum'), 60)
  const shard = '{stream="s",shard="shardId-000000000000"}'
  assert.ok(samples.get(`headgate_producer_user_records_put_sum${shard}`)! > 0)
  assert.equal(samples.get('headgate_producer_request_time_seconds_sum{stream="s"}'), 0.01)
  assert.equal(samples.get('headgate_producer_outstanding_records{stream="s"}'), 1)
  assert.equal(samples.get('headgate_producer_outstanding_bytes'), 4)
  assert.equal(samples.get('headgate_producer_in_flight_bytes'), 0)
  assert.equal(samples.get('headgate_producer_in_flight_bound_bytes'), 525_000)
  assert.equal(samples.get('headgate_producer_open_shards{stream="s"}'), 2)
})

test('error codes are labels; names and values of whatever kind are made harmless', () => {
  const tree = new MetricsTree([{ key: '1st team', value: 'a"b\\c\nd', granularity: 'global' }])
  const place = { stream: 's', shardId: null, errorCode: 'Record Count Mismatch' }
  tree.node('ErrorsByCode', place, 0).own.add(1, 0)

  const text = prometheusText(tree.listApart(0), [])

  parsed(text)
  const labels = '{_1st_team="a\\"b\\\\c\\nd",code="Record Count Mismatch",stream="s"}'
  assert.ok(text.includes(`headgate_producer_errors_by_code_sum${labels} 1\n`), text)
})

test('a producer without records has well-formed text too', () => {
  assert.equal(
    parsed(line({}).producer.prometheusText()).get('headgate_producer_outstanding_bytes'),
    0,
  )
})
