import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Child, CLIENT_CORE } from '../../bench/child.ts'
import { postBytes } from '../../bench/load-client.ts'
import { AnswerReader } from '../../tools/overload/answer-reader.ts'
import type { StepResult } from '../../tools/overload/generator.ts'
import { Latencies } from '../../tools/overload/latencies.ts'
import { marksOf } from '../../tools/overload/marks.ts'
import type { ScenarioReport, StepReport } from '../../tools/overload/overload.ts'
import { graphOf, pageOf } from '../../tools/overload/page.ts'
import { mergedOf, turnsOf } from '../../tools/overload/rounds.ts'

const QUICK = { p50: 1, p99: 2, max: 3 }

function step(multiple: number, more: Partial<StepReport> = {}): StepReport {
  return {
    multiple,
    wantedPerSecond: multiple * 1000,
    offeredPerSecond: multiple * 1000,
    goodPerSecond: 1000,
    goodSpread: [1000, 1000],
    goodputPart: 1,
    deliveredPerSecond: 1000,
    refusedPerSecond: (multiple - 1) * 1000,
    refused: { 'spool-full': 1 },
    broken: 0,
    goodMs: QUICK,
    refusedMs: QUICK,
    residentMaxBytes: 150e6,
    cpuMicros: { user: 9.04, system: 8.06 },
    cores: 0.987,
    backAfterSeconds: 1,
    generatorLimits: [],
    ...more,
  }
}

function report(...steps: StepReport[]): ScenarioReport {
  return {
    scenario: {
      name: 'without headroom',
      spoolMaxBytes: 1,
      segmentBytes: 1,
      semiSpaceMib: 16,
      firstPerSecond: 1,
    },
    capacityPerSecond: 1000,
    idleMs: QUICK,
    idleResidentBytes: 100e6,
    memoryMaxBytes: 40e6,
    steps,
    bare: { idleResidentBytes: 60e6, residentMaxBytes: 90e6 },
  }
}

test('an answer is read whole, in however many pieces it comes', () => {
  const bytes = Buffer.from(
    'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 21\r\n\r\n{"code":"spool-full"}',
  )
  for (let at = 1; at < bytes.length; at++) {
    const reader = new AnswerReader()
    assert.equal(reader.take(bytes.subarray(0, at)), null)
    assert.deepEqual(reader.take(bytes.subarray(at)), { status: 503, code: 'spool-full' })
  }
})

test('quantiles are where they are', () => {
  const latencies = new Latencies()
  assert.deepEqual(latencies.quantiles(), { p50: 0, p99: 0, max: 0 })
  for (let ms = 1; ms <= 100; ms++) latencies.add(ms)
  const { p50, p99, max } = latencies.quantiles()
  assert.ok(Math.abs(p50 - 50) < 0.1 && Math.abs(p99 - 99) < 0.1, `${p50} ${p99}`)
  assert.equal(max, 100)
})

test('a mark is met at its bound and not beyond', () => {
  const met = (...steps: StepReport[]) => marksOf(report(...steps)).map(({ isMet }) => isMet)
  assert.deepEqual(met(step(1), step(2)), [true, true, true, true])
  const slow = { ...QUICK, p99: 7 }
  const bounds = { goodputPart: 0.9, residentMaxBytes: 150e6, backAfterSeconds: 5 }
  assert.deepEqual(met(step(1), step(2, bounds)), [true, true, true, true])
  const beyond = { goodputPart: 0.89, residentMaxBytes: 150e6 + 1, backAfterSeconds: 6 }
  assert.deepEqual(met(step(1), step(2, { ...beyond, refusedMs: slow })), [
    false,
    false,
    false,
    false,
  ])
  assert.equal(met(step(1, { backAfterSeconds: null }))[3], false)
})

test('the page and the graph show what was measured', () => {
  const some = report(step(1), step(10, { generatorLimits: ['it was late'] }))
  const page = pageOf([some], { seconds: 7, roundCount: 1 })
  assert.match(page, /7 s for each step/)
  assert.match(page, /\| × 10 \| 10000 \| 1000 \| 100 % \|.*spool-full 1/)
  assert.match(page, /Warning of the generator at × 10: it was late/)
  assert.match(graphOf([some]), /1000 good, 9000 refused/)
})

test('rounds are run in turns, and one step is made of them', () => {
  assert.deepEqual(turnsOf([1, 2, 5], 3), [1, 2, 5, 5, 2, 1, 1, 2, 5])
  const fast = step(2, { goodPerSecond: 900, goodSpread: [900, 900], cores: 0.9 })
  const slow = step(2, {
    goodPerSecond: 600,
    goodSpread: [600, 600],
    cores: 0.7,
    goodMs: { p50: 0.5, p99: 9, max: 2 },
    refused: { 'spool-full': 2, 'disk-full': 3 },
    broken: 4,
    residentMaxBytes: 160e6,
    backAfterSeconds: 3,
    generatorLimits: ['it was late'],
  })

  const merged = mergedOf([fast, slow])

  assert.deepEqual([merged.goodPerSecond, merged.goodSpread], [750, [600, 900]])
  assert.deepEqual(merged.goodMs, { p50: 1, p99: 9, max: 3 })
  assert.deepEqual(merged.refused, { 'spool-full': 3, 'disk-full': 3 })
  const { cores, broken, residentMaxBytes, backAfterSeconds, generatorLimits } = merged
  assert.deepEqual([cores, broken, residentMaxBytes, backAfterSeconds], [0.8, 4, 160e6, 3])
  assert.deepEqual(generatorLimits, ['it was late'])
  assert.equal(mergedOf([step(2, { backAfterSeconds: null }), slow]).backAfterSeconds, null)
  const page = pageOf([report({ ...merged, goodputPart: 1 })], { seconds: 7, roundCount: 2 })
  assert.match(page, /7 s for each step, 2 rounds in turns/)
  assert.match(page, /\| 750 \(600–900\) \|/)
})

test('the line of a capacity that no step was offered is in its panel, too', () => {
  const some = { ...report(step(1)), capacityPerSecond: 2000 }
  const [, line] = /<path d="M70 (-?[\d.]+)H/.exec(graphOf([some]))!
  assert.equal(Number(line), 44)
})

test('load goes on whether answers come or not, and what could not be sent is counted', async (context) => {
  const silent = createServer(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const generator = new Child(
    new URL('../../tools/overload/generator.ts', import.meta.url),
    CLIENT_CORE,
  )
  context.after(() => {
    generator.stop()
    silent.closeAllConnections()
    silent.close()
  })
  // Whoever got no answer gets none: the connections break and the step ends.
  setTimeout(() => silent.closeAllConnections(), 1_500)
  const { offered, unsent, good, broken } = await generator.call<StepResult>('run', {
    port: (silent.address() as AddressInfo).port,
    request: postBytes('/', [], Buffer.from('x')),
    ratePerSecond: 200,
    seconds: 1,
    maxConnections: 150,
  })
  assert.deepEqual([offered, unsent, good, broken], [200, 50, 0, 150])
})
