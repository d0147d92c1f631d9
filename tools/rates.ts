// How producers that know nothing of each other share shards: `npm run rates`. Hand-moved time,
// real producers, the embedded Kinesis's own limits per shard.

import {
  type Change,
  type ContentionResult,
  contend,
  convergenceMs,
  type World,
} from '../test/producer/contention.ts'

const HELP = `Usage: npm run rates [-- [shares|wide|changes] [--seeds N]]

Prints goodput, refused records and fairness of several producers on one and on sixteen shards, with
the adaptive rate and with the fixed 150 % of the KPL; of one producer on a thousand shards and of
eight on 128, once; and how long producers take to find their shares anew when one joins, one
leaves, or a shard splits, beside how long when nothing happens. Or one of the three tables. Each
figure is the mean over N seeds (default: 3), with the least and the greatest. Some minutes; two and
three for the two wide worlds.

Exit code: 0 done, 2 wrong usage.
`

const WARM_UP_MS = 60_000
const MEASURED_MS = 180_000
/** Sixteen shards are sixteen samples at a time, each with costs of its own. */
const MANY_SHARDS_MEASURED_MS = 60_000
/** A fixed rate has nothing to learn. */
const FIXED_MS = 10_000
const SETTLED_MS = 120_000

type Case = Pick<World, 'producerCount' | 'shardCount' | 'dataBytes' | 'limit'>

const CASES: readonly Case[] = [
  { producerCount: 1, shardCount: 1, dataBytes: 1600, limit: 'bytes' },
  { producerCount: 2, shardCount: 1, dataBytes: 1600, limit: 'bytes' },
  { producerCount: 8, shardCount: 1, dataBytes: 1600, limit: 'bytes' },
  { producerCount: 16, shardCount: 1, dataBytes: 1600, limit: 'bytes' },
  { producerCount: 1, shardCount: 1, dataBytes: 100, limit: 'records' },
  { producerCount: 8, shardCount: 1, dataBytes: 100, limit: 'records' },
  { producerCount: 1, shardCount: 16, dataBytes: 1600, limit: 'bytes' },
  { producerCount: 8, shardCount: 16, dataBytes: 1600, limit: 'bytes' },
]

/** Worlds of 1 GiB and 128 MiB in a virtual second: for as long as two or three minutes allow. */
const WIDE: readonly (Case & { warmUpMs: number; measuredMs: number })[] = [
  {
    producerCount: 1,
    shardCount: 1000,
    dataBytes: 50_000,
    limit: 'bytes',
    warmUpMs: 10_000,
    measuredMs: 10_000,
  },
  {
    producerCount: 8,
    shardCount: 128,
    dataBytes: 50_000,
    limit: 'bytes',
    warmUpMs: 60_000,
    measuredMs: 30_000,
  },
]

const CHANGED: readonly Case[] = [
  { producerCount: 2, shardCount: 1, dataBytes: 1600, limit: 'bytes' },
  { producerCount: 8, shardCount: 1, dataBytes: 1600, limit: 'bytes' },
  { producerCount: 8, shardCount: 16, dataBytes: 1600, limit: 'bytes' },
]
const CHANGES: readonly Change[] = ['join', 'leave', 'split', 'none']

type Row = readonly (string | number)[]

function print(row: Row): void {
  console.log(`| ${row.join(' | ')} |`)
}

function head(names: Row): void {
  print(names)
  print(names.map(() => '---'))
}

function told(values: readonly number[], digits: number): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const [least, greatest] = [Math.min(...values), Math.max(...values)]
  return `${mean.toFixed(digits)} (${least.toFixed(digits)}–${greatest.toFixed(digits)})`
}

const cellsOf = (one: Case): Row => [one.producerCount, one.shardCount, one.limit]

const SHARES_HEAD = ['Producers', 'Shards', 'Limit', 'Rate', 'Goodput %', 'Refused %', 'Jain']

function printResults(one: Case, rate: string | number, results: readonly ContentionResult[]) {
  const goodput = results.map((result) => result.goodput * 100)
  const refused = results.map(({ throttled }) => throttled * 100)
  const fairness = results.map((result) => result.fairness)
  print([...cellsOf(one), rate, told(goodput, 1), told(refused, 1), told(fairness, 3)])
}

async function printShares(seeds: readonly number[]): Promise<void> {
  head(SHARES_HEAD)
  for (const one of CASES) {
    for (const rateLimit of ['adaptive', 150] as const) {
      const isFixed = rateLimit !== 'adaptive'
      const warmUpMs = isFixed ? FIXED_MS : WARM_UP_MS
      const adaptiveMs = one.shardCount > 1 ? MANY_SHARDS_MEASURED_MS : MEASURED_MS
      const measuredMs = isFixed ? FIXED_MS : adaptiveMs
      const results: ContentionResult[] = []
      for (const seed of seeds) {
        results.push(await contend({ ...one, warmUpMs, measuredMs, rateLimit, seed }))
      }
      printResults(one, rateLimit, results)
    }
  }
}

async function printWide(): Promise<void> {
  head(SHARES_HEAD)
  for (const one of WIDE) {
    const rateLimit = 'adaptive'
    printResults(one, rateLimit, [await contend({ ...one, rateLimit, seed: 1 })])
  }
}

async function printConvergence(seeds: readonly number[]): Promise<void> {
  head(['Producers', 'Shards', 'Limit', 'Change', 'Converged after s', 'Never'])
  for (const one of CHANGED) {
    for (const change of CHANGES) {
      const seconds: number[] = []
      for (const seed of seeds) {
        const rateLimit = 'adaptive'
        const ms = await convergenceMs({ ...one, settledMs: SETTLED_MS, change, rateLimit, seed })
        if (ms !== null) seconds.push(ms / 1000)
      }
      const time = seconds.length === 0 ? '–' : told(seconds, 0)
      print([...cellsOf(one), change, time, seeds.length - seconds.length])
    }
  }
}

const TABLES = ['shares', 'wide', 'changes']

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  const isTable = TABLES.includes(args[0] ?? '')
  const [table, ...rest] = isTable ? args : [null, ...args]
  const count = rest[0] === '--seeds' ? Number(rest[1]) : 3
  if (!Number.isInteger(count) || count < 1 || (rest.length > 0 && rest.length !== 2)) {
    process.stderr.write(HELP)
    return 2
  }
  const seeds = Array.from({ length: count }, (_, i) => i + 1)
  if (table === null || table === 'shares') await printShares(seeds)
  if (table === null || table === 'wide') await printWide()
  if (table === null || table === 'changes') await printConvergence(seeds)
  return 0
}

process.exitCode = await main(process.argv.slice(2))
