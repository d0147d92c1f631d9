// How producers that know nothing of each other share shards: `npm run rates`. Hand-moved time,
// real producers, the embedded Kinesis's own limits per shard.

import { parseArgs } from 'node:util'
import {
  type Change,
  type ContentionResult,
  contend,
  convergenceMs,
  type World,
} from '../test/producer/contention.ts'

const HELP = `Usage: npm run rates -- [shares|wide|changes] [--seeds N] [--together]

Prints goodput, refused records and fairness of several producers on one and on sixteen shards, with
the adaptive rate and with the fixed 150 % of the KPL; of one producer on a thousand shards and of
eight on 128, once; and how long producers take to find their shares anew when one joins, one
leaves, or a shard splits, beside how long when nothing happens. Or one of the three tables. Each
figure is the mean over the seeds, with the least and the greatest. Some minutes; two and three for
the two wide worlds.

Options:
  --seeds N     how many seeds, from 1 on (default: 3)
  --together    the producers begin at one instant, not within half a second
  --help        this text

Example: npm run rates -- shares --together
Exit code: 0 done, 2 wrong usage.
`

const WARM_UP_MS = 60_000
const MEASURED_MS = 180_000
/** Sixteen shards are sixteen samples at a time, each with costs of its own. */
const MANY_SHARDS_MEASURED_MS = 60_000
/** A fixed rate has nothing to learn. */
const FIXED_MS = 10_000
const SETTLED_MS = 120_000
const SEEDS_MAX_COUNT = 10_000

interface Options {
  readonly tables: readonly (keyof typeof TABLES)[]
  readonly seeds: readonly number[]
  /** Within which time producers begin, where it is not as long as worlds have it. */
  readonly start: Pick<World, 'startWithinMs'>
}

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

async function printShares({ seeds, start }: Options): Promise<void> {
  head(SHARES_HEAD)
  for (const one of CASES) {
    for (const rateLimit of ['adaptive', 150] as const) {
      const isFixed = rateLimit !== 'adaptive'
      const warmUpMs = isFixed ? FIXED_MS : WARM_UP_MS
      const adaptiveMs = one.shardCount > 1 ? MANY_SHARDS_MEASURED_MS : MEASURED_MS
      const measuredMs = isFixed ? FIXED_MS : adaptiveMs
      const results: ContentionResult[] = []
      for (const seed of seeds) {
        results.push(await contend({ ...one, ...start, warmUpMs, measuredMs, rateLimit, seed }))
      }
      printResults(one, rateLimit, results)
    }
  }
}

async function printWide({ start }: Options): Promise<void> {
  head(SHARES_HEAD)
  for (const one of WIDE) {
    const rateLimit = 'adaptive'
    printResults(one, rateLimit, [await contend({ ...one, ...start, rateLimit, seed: 1 })])
  }
}

async function printConvergence({ seeds, start }: Options): Promise<void> {
  head(['Producers', 'Shards', 'Limit', 'Change', 'Converged after s', 'Never'])
  for (const one of CHANGED) {
    for (const change of CHANGES) {
      const seconds: number[] = []
      for (const seed of seeds) {
        const world = { ...one, ...start, rateLimit: 'adaptive', seed } as const
        const ms = await convergenceMs({ ...world, settledMs: SETTLED_MS, change })
        if (ms !== null) seconds.push(ms / 1000)
      }
      const time = seconds.length === 0 ? '–' : told(seconds, 0)
      print([...cellsOf(one), change, time, seeds.length - seconds.length])
    }
  }
}

const TABLES = { shares: printShares, wide: printWide, changes: printConvergence }

function isTable(name: string): name is keyof typeof TABLES {
  return Object.hasOwn(TABLES, name)
}

function readOptions(args: string[]): Options | 'help' | { readonly problem: string } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        seeds: { type: 'string', default: '3' },
        together: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    const tables = positionals.length === 0 ? Object.keys(TABLES) : positionals
    const unknown = tables.find((name) => !isTable(name))
    if (unknown !== undefined || positionals.length > 1) {
      return { problem: `shares, wide or changes; not ${unknown ?? positionals.join(' and ')}` }
    }
    const count = Number(values.seeds)
    if (!/^[0-9]+$/.test(values.seeds) || count < 1 || count > SEEDS_MAX_COUNT) {
      return { problem: `--seeds takes 1 to ${SEEDS_MAX_COUNT}, not ${values.seeds}` }
    }
    const seeds = Array.from({ length: count }, (_, i) => i + 1)
    const start = values.together ? { startWithinMs: 0 } : {}
    return { tables: tables.filter(isTable), seeds, start }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(HELP)
else if ('problem' in options) {
  process.stderr.write(`${options.problem}\n\n${HELP}`)
  process.exitCode = 2
} else for (const name of options.tables) await TABLES[name](options)
