// The metrics in the text format that Prometheus scrapes (exposition format 0.0.4).
//
// Each is a summary without quantiles: the sum and the number of its values since the start. Every
// value is in exactly one series, so that sums over labels are right; Prometheus adds up, where
// CloudWatch wants every total sent to it.

import { descriptionOf, METRIC_NAMES, type MetricName } from './metric-names.ts'
import type { Metric } from './metrics-tree.ts'

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Something that goes up and down. */
export interface Gauge {
  /** Without the prefix. */
  readonly name: string
  readonly says: string
  readonly samples: readonly { readonly stream: string | null; readonly value: number }[]
}

const PREFIX = 'headgate_producer_'
/** Prometheus wants base units. */
const UNITS = {
  Count: { suffix: '', divisor: 1 },
  Bytes: { suffix: '_bytes', divisor: 1 },
  Milliseconds: { suffix: '_seconds', divisor: 1000 },
} as const

const LABELS: ReadonlyMap<string, string> = new Map([
  ['StreamName', 'stream'],
  ['ShardId', 'shard'],
  ['ErrorCode', 'code'],
])

/** `metrics`: without overlap, as `MetricsTree.listApart` gives them. */
export function prometheusText(metrics: readonly Metric[], gauges: readonly Gauge[]): string {
  const lines: string[] = []
  for (const name of METRIC_NAMES) {
    const ofName = metrics.filter((metric) => metric.name === name)
    if (ofName.length > 0) lines.push(...summary(name, ofName))
  }
  for (const { name, says, samples } of gauges) {
    if (samples.length === 0) continue
    lines.push(`# HELP ${PREFIX}${name} ${says}`, `# TYPE ${PREFIX}${name} gauge`)
    for (const { stream, value } of samples) {
      lines.push(`${PREFIX}${name}${labels(stream === null ? [] : [['stream', stream]])} ${value}`)
    }
  }
  return lines.map((line) => `${line}\n`).join('')
}

function summary(name: MetricName, metrics: readonly Metric[]): string[] {
  const { unit, says } = descriptionOf(name)
  const { suffix, divisor } = UNITS[unit]
  const family = `${PREFIX}${snakeCase(name)}${suffix}`
  const lines = [`# HELP ${family} ${says}`, `# TYPE ${family} summary`]
  for (const { dimensions, sum, sampleCount } of metrics) {
    const where = labels(
      [...dimensions].map(([key, value]) => [LABELS.get(key) ?? labelNameOf(key), value]),
    )
    lines.push(`${family}_sum${where} ${sum / divisor}`)
    lines.push(`${family}_count${where} ${sampleCount}`)
  }
  return lines
}

function snakeCase(name: string): string {
  return name.replace(/(?!^)[A-Z]/g, '_$&').toLowerCase()
}

/** A label's name has letters, digits and underscores, and begins with no digit. */
function labelNameOf(key: string): string {
  return key.replaceAll(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_')
}

function labels(pairs: readonly (readonly [string, string])[]): string {
  if (pairs.length === 0) return ''
  return `{${pairs.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
