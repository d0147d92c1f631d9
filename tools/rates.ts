// How producers that know nothing of each other share shards: `npm run rates`. Hand-moved time,
// real producers, the embedded Kinesis's own limits per shard.

import { type Contention, contend } from '../test/producer/contention.ts'

const HELP = `Usage: npm run rates [-- --seed N]

Prints goodput, refused records and fairness of several producers on one and on sixteen shards, with
the adaptive rate and with the fixed 150 % of the KPL. About two minutes.

Exit code: 0 done, 2 wrong usage.
`

const WARM_UP_MS = 60_000
const MEASURED_MS = 60_000
/** A fixed rate has nothing to learn. */
const FIXED_MS = 10_000

const CASES: readonly Pick<Contention, 'producerCount' | 'shardCount' | 'dataBytes'>[] = [
  { producerCount: 1, shardCount: 1, dataBytes: 1600 },
  { producerCount: 2, shardCount: 1, dataBytes: 1600 },
  { producerCount: 8, shardCount: 1, dataBytes: 1600 },
  { producerCount: 16, shardCount: 1, dataBytes: 1600 },
  { producerCount: 8, shardCount: 1, dataBytes: 300 },
  { producerCount: 1, shardCount: 16, dataBytes: 1600 },
  { producerCount: 8, shardCount: 16, dataBytes: 1600 },
]

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  const seed = args[0] === '--seed' ? Number(args[1]) : 1
  if (!Number.isInteger(seed) || (args.length > 0 && args.length !== 2)) {
    process.stderr.write(HELP)
    return 2
  }
  console.log('| Producers | Shards | Bytes | Rate | Goodput % | Refused % | Jain |')
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  for (const one of CASES) {
    for (const rateLimit of ['adaptive', 150] as const) {
      const isFixed = rateLimit !== 'adaptive'
      const times = isFixed
        ? { warmUpMs: FIXED_MS, measuredMs: FIXED_MS }
        : { warmUpMs: WARM_UP_MS, measuredMs: MEASURED_MS }
      const result = await contend({ ...one, ...times, rateLimit, seed })
      const { goodput, throttled, fairness } = result
      const percent = (value: number) => (value * 100).toFixed(1)
      const cells: (string | number)[] = [
        one.producerCount,
        one.shardCount,
        one.dataBytes,
        rateLimit,
      ]
      cells.push(percent(goodput), percent(throttled), fairness.toFixed(3))
      console.log(`| ${cells.join(' | ')} |`)
    }
  }
  return 0
}

process.exitCode = await main(process.argv.slice(2))
