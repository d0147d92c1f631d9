// What a producer gets through on a line, or to a service, that is slow: `npm run slow-line`. In
// hand-moved time, beside what goes without a bound on what is under way.

import { SlowLine, type SlowLineOptions } from '../test/producer/slow-line.ts'

const HELP = `Usage: npm run slow-line

Prints two tables. What goes in the first half-second, and in the next, of a backlog over a line of
12.5 MB/s, in parts of the line; and MB/s in each ten seconds after a service has become slow by
itself. Each with the bound on what is under way, and without one (a requestTimeout of ten minutes).

Exit code: 0 done, 2 wrong usage.
`

const BOUNDED_MS = 6000
const WITHOUT_MS = 600_000
const TIMEOUTS = [
  ['bounded', BOUNDED_MS],
  ['without', WITHOUT_MS],
] as const

const GOOD_LINE = 12_500_000
const HALF_SECOND_MS = 500
/** So wide that only the service takes time. */
const WIDE_LINE = 1e9
const BEFORE_MS = 3000
const INTERVAL_MS = 10_000
const INTERVALS_COUNT = 6

/** The least that an answer takes, and how much more it may. */
const SERVICES: readonly [what: string, leastMs: number, jitterMs: number][] = [
  ['1.6 s', 1600, 0],
  ['3.1 s', 3100, 0],
  ['5.1 s', 5100, 0],
  ['2 to 4 s', 2000, 2000],
  ['0.2 to 5.2 s', 200, 5000],
]

function print(row: readonly string[]): void {
  console.log(`| ${row.join(' | ')} |`)
}

function head(names: readonly string[]): void {
  print(names)
  print(names.map(() => '---'))
}

function lineOf(options: Omit<SlowLineOptions, 'dataBytes'>, requestTimeout: number): SlowLine {
  return new SlowLine({ ...options, dataBytes: 1600, settings: { requestTimeout } })
}

async function printGoodLines(): Promise<void> {
  head(['Distance', '', '0–0.5 s', '0.5–1 s'])
  for (const latencyMs of [20, 100]) {
    for (const [what, timeoutMs] of TIMEOUTS) {
      const line = lineOf({ bytesPerSecond: GOOD_LINE, latencyMs }, timeoutMs)
      const row = [`${latencyMs} ms`, what]
      for (let i = 0; i < 2; i++) {
        const { carriedBytes } = await line.runFor(HALF_SECOND_MS)
        row.push((carriedBytes / ((GOOD_LINE * HALF_SECOND_MS) / 1000)).toFixed(2))
      }
      print(row)
    }
  }
}

async function printSlowServices(): Promise<void> {
  const seconds = INTERVAL_MS / 1000
  const intervals = Array.from({ length: INTERVALS_COUNT }, (_, i) => i * seconds)
  head(['Answers take', '', ...intervals.map((fromS) => `${fromS}–${fromS + seconds} s`)])
  for (const [service, leastMs, jitterMs] of SERVICES) {
    for (const [what, timeoutMs] of TIMEOUTS) {
      const line = lineOf({ bytesPerSecond: WIDE_LINE }, timeoutMs)
      await line.runFor(BEFORE_MS)
      line.setLatency(leastMs, jitterMs)
      const row = [service, what]
      for (let i = 0; i < INTERVALS_COUNT; i++) {
        const { carriedBytes } = await line.runFor(INTERVAL_MS)
        row.push((carriedBytes / 1e6 / seconds).toFixed(1))
      }
      print(row)
    }
  }
}

async function main(args: readonly string[]): Promise<number> {
  const isHelp = args.length === 1 && args[0] === '--help'
  if (args.length > 0) {
    ;(isHelp ? process.stdout : process.stderr).write(HELP)
    return isHelp ? 0 : 2
  }
  await printGoodLines()
  console.log()
  await printSlowServices()
  return 0
}

process.exitCode = await main(process.argv.slice(2))
