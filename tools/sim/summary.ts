// Adds up what happened in many worlds, so that one can see that the faults do happen.

import type { LineReport } from '../../src/sim/index.ts'

/** Kinds of events that are worth a line, and what stands above them. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ['Requests to Kinesis', /^request to kinesis: /],
  ['Requests to gateways', /^request to node: /],
  ['Answers of gateways', /^gateway(:| answers) ?/],
  ['The service', /^(service: |on request: |kinesis refuses an entry: )/],
  ['Disk of Kinesis', /^kinesis disk /],
  ['Processes and clocks', /^(kinesis|node) (crashes|loses power|starts|wall clock jumps|does)/],
  ['Reshards', /^operator: /],
  ['Dead letters', /^clerk: /],
  ['Credentials', /^credentials /],
  ['Records that failed', /^record failed: /],
]

/** What must have happened in enough worlds; one of these that did not is worth a look. */
export const FAULT_KINDS: readonly string[] = [
  ...[
    'refused',
    'lost',
    'reset before it arrives',
    'answered by another',
    'slow',
    'reset after it acted',
    'error after it acted',
    'answer lost',
  ].flatMap((fate) => [`request to kinesis: ${fate}`, `request to node: ${fate}`]),
  'request to kinesis: twice',
  'service: request throttled',
  'service: token expired',
  'service: signature expired',
  'service: entry throttled',
  'service: entry fails',
  'service: entry fails after it was stored',
  'service: answer garbled',
  'service: old shard map',
  'service: listing refused',
  'service: describing denied',
  'service: poisoned request',
  ...['throttle', 'internal-failure', 'server-error', 'latency', 'cut', 'expired-signature'].map(
    (kind) => `on request: ${kind}`,
  ),
  'kinesis refuses an entry: ProvisionedThroughputExceededException',
  'kinesis refuses an entry: InternalFailure',
  'kinesis disk append fails: EIO',
  'kinesis disk append fails: ENOSPC',
  'kinesis disk sync fails: EIO',
  'kinesis disk is slow',
  'kinesis crashes',
  'kinesis loses power',
  'kinesis wall clock jumps',
  'node crashes',
  'clerk: purge done',
  'clerk: replay done',
  'operator: SplitShard done',
  'operator: MergeShards done',
  'operator: UpdateShardCount done',
  'operator: DeleteStream done',
  'node wall clock jumps',
  'credentials fail',
]

const NAME_COLUMNS = 64
const NUMBER_COLUMNS = 12

export class Summary {
  readonly #counts = new Map<string, number>()
  readonly #startedAtMs = performance.now()
  readonly #sums = {
    worlds: 0,
    events: 0,
    virtualMs: 0,
    records: 0,
    delivered: 0,
    failed: 0,
    retried: 0,
    doubled: 0,
    putRecordsRequests: 0,
  }

  add(report: LineReport): void {
    const sums = this.#sums
    sums.worlds++
    sums.events += report.eventCount
    sums.virtualMs += report.virtualMs
    sums.records += report.recordCount
    sums.delivered += report.deliveredCount
    sums.failed += report.failedCount
    sums.retried += report.retriedCount
    sums.doubled += report.doubledCount
    sums.putRecordsRequests += report.requestCount
    for (const [kind, count] of report.counts) {
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count)
    }
  }

  /** Each world runs twice, and both runs count here. */
  rateText(): string {
    return `${Math.round(this.#eventsPerSecond())} events/s`
  }

  neverHappened(): string[] {
    return FAULT_KINDS.filter((kind) => !this.#counts.has(kind))
  }

  toJson(firstSeed: number): object {
    const counts = Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    const eventsPerSecond = Math.round(this.#eventsPerSecond())
    const virtualMs = Math.round(this.#sums.virtualMs)
    const never = this.neverHappened()
    return { firstSeed, ...this.#sums, virtualMs, eventsPerSecond, neverHappened: never, counts }
  }

  toText(firstSeed: number): string {
    const { worlds, virtualMs, ...rest } = this.#sums
    const hours = (virtualMs / 3_600_000).toFixed(2)
    const lines = [
      `${worlds} ${worlds === 1 ? 'world' : 'worlds'} from seed ${firstSeed} came to rest, each twice the same`,
      '',
      row('hours of virtual time', hours),
      row('events', rest.events),
      row('  a second of real time, both runs', Math.round(this.#eventsPerSecond())),
      row('records', rest.records),
      row('  delivered', rest.delivered),
      row('  failed', rest.failed),
      row('  sent more than once', rest.retried),
      row('  in a stream more than once', rest.doubled),
      row('PutRecords requests', rest.putRecordsRequests),
    ]
    for (const [title, pattern] of GROUPS) {
      const kinds = [...this.#counts].filter(([kind]) => pattern.test(kind)).sort(byName)
      if (kinds.length === 0) continue
      lines.push('', title)
      for (const [kind, count] of kinds) lines.push(row(`  ${kind}`, count))
    }
    const never = this.neverHappened()
    if (never.length > 0) lines.push('', `Never happened: ${never.join(', ')}`)
    return lines.join('\n')
  }

  #eventsPerSecond(): number {
    return (this.#sums.events * 2 * 1_000) / Math.max(1, performance.now() - this.#startedAtMs)
  }
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1
}

function row(name: string, value: number | string): string {
  return `${name.padEnd(NAME_COLUMNS)}${String(value).padStart(NUMBER_COLUMNS)}`
}
