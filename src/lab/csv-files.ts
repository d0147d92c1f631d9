// The files that other programs read: JMeter's samples, the seconds, the counters, the lines.

import { httpDateOf } from '../sim/index.ts'
import { LABEL } from './aggregate.ts'
import { TARGET_PATH } from './payload.ts'
import type { Run } from './run.ts'
import { isSuccess, type Sample } from './samples.ts'

/** What JMeter writes by default, in its order. */
const JTL_HEADING =
  'timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,' +
  'bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n'
/** Lines that are handed on together. */
const JTL_CHUNK_LINES = 4096

const MESSAGES: ReadonlyMap<number, string> = new Map([
  [0, 'No answer'],
  [200, 'OK'],
  [202, 'Accepted'],
  [400, 'Bad Request'],
  [429, 'Too Many Requests'],
  [503, 'Service Unavailable'],
])

/** `samples.jtl` in pieces. `epochMs`: when the run began. */
export function* jtlOf({ samples, experiment }: Run, epochMs: number): Generator<string> {
  yield JTL_HEADING
  const isClosed = experiment.load.loop === 'closed'
  let chunk = ''
  for (let i = 0; i < samples.count; i++) {
    chunk += jtlLine(samples.at(i), epochMs, isClosed)
    if ((i + 1) % JTL_CHUNK_LINES === 0) {
      yield chunk
      chunk = ''
    }
  }
  if (chunk !== '') yield chunk
}

function jtlLine(sample: Sample, epochMs: number, isClosed: boolean): string {
  const { startMs, elapsedMs, status, receivedBytes, sentBytes, thread, active } = sample
  // Both ends by a clock of milliseconds, as JMeter reads it.
  const startedAtMs = Math.floor(startMs)
  const elapsed = Math.floor(startMs + elapsedMs) - startedAtMs
  const isGood = isSuccess(status)
  const message = MESSAGES.get(status) ?? ''
  const name = isClosed ? `Thread Group 1-${thread + 1}` : 'Arrivals 1-1'
  return (
    `${epochMs + startedAtMs},${elapsed},${LABEL},${status},${message},${name},text,${isGood},` +
    `${isGood ? '' : message},${receivedBytes},${sentBytes},${active},${active},` +
    `${TARGET_PATH},${elapsed},0,0\n`
  )
}

/** `timeline.csv`: a line a second. */
export function timelineCsv({ seconds }: Run): string {
  const shards = [...new Set(seconds.flatMap(({ shardBytes }) => [...shardBytes.keys()]))].sort()
  const heading = [
    'second,offered,answered,errors,delivered,failed,exhausted,throttled,outstanding,oldestAgeMs',
    'active,meanMs,p50Ms,p99Ms,maxMs',
    ...shards.map((shard) => `${shard} bytes`),
  ].join(',')
  const rows = seconds.map((second) => {
    const { answered, errors, delivered, failed, exhausted, throttled } = second
    const counts = [second.offered, answered, errors, delivered, failed, exhausted, throttled]
    const state = [second.outstanding, Math.round(second.oldestAgeMs), second.active]
    const times = [second.meanMs, second.p50Ms, second.p99Ms, second.maxMs].map(
      (ms) => ms?.toFixed(2) ?? '',
    )
    const bytes = shards.map((shard) => second.shardBytes.get(shard) ?? 0)
    return [second.atS.toFixed(3).replace(/\.?0+$/, ''), ...counts, ...state, ...times, ...bytes]
  })
  return `${heading}\n${rows.map((row) => row.join(',')).join('\n')}\n`
}

/** `counters.json`. */
export function countersJson(run: Run): string {
  const { experiment, title, kind, seed, scale, counters, loadEndMs, endMs, isCutShort } = run
  const about = { name: experiment.name, title, kind, seed, scale, isCutShort, loadEndMs, endMs }
  return `${JSON.stringify({ ...about, counters, warnings: run.warnings }, null, 2)}\n`
}

/** `statistics.log`: the producer's lines, each with its instant, as the KPL's log has them. */
export function statisticsLog({ statistics }: Run, epochMs: number): string {
  return statistics
    .map(({ atMs, level, text }) => {
      const instant = httpDateOf(epochMs + atMs)
      const severity = level === 'warn' ? 'warning' : 'info'
      return `[${instant}] [+${(atMs / 1000).toFixed(3)} s] [${severity}] ${text}\n`
    })
    .join('')
}
