// Runs the log's experiments at full size, as they were and as Headgate, and writes what came out
// to lab/results.json, from which "npm run docs" makes the page: `npm run lab-results [-- NAME…]`.

import { readFileSync, writeFileSync } from 'node:fs'
import { experimentNames, openExperiment } from '../src/cli/lab-catalogue.ts'
import { aggregateOf, asHeadgate, type Experiment, simulate } from '../src/lab/index.ts'
import { type Measured, RESULTS_FILE, type Results } from './tidy/lab-page.ts'

const HELP = `Usage: npm run lab-results [-- NAME...]

Runs experiments at full size, as the log's service and as Headgate, with seed 1, and keeps what came
out in ${RESULTS_FILE}; without names all of them, which takes some minutes. Then: npm run docs.

Exit code: 0 done, 2 wrong usage.
`

const SEED = 1

async function measured(experiment: Experiment): Promise<Measured> {
  const run = await simulate({ experiment, title: experiment.name, seed: SEED, scale: 1 })
  const row = aggregateOf(run)
  const { successes, failures, exhausted, answeredNotDelivered, roads } = run.counters!
  return {
    samples: row.samples,
    throughput: rounded(row.throughput, 2),
    averageMs: rounded(row.averageMs, 2),
    maxMs: rounded(row.maxMs, 0),
    stdDevMs: rounded(row.stdDevMs, 1),
    p99Ms: rounded(row.p99Ms, 1),
    errorPercent: rounded(row.errorPercent, 4),
    processingMs: row.processingMs === null ? null : rounded(row.processingMs, 0),
    drainedAfterS: rounded((run.endMs - run.loadEndMs) / 1000, 0),
    counters: { successes, failures, exhausted },
    answeredNotDelivered,
    roads,
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function readResults(): Results {
  try {
    return JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as Results
  } catch {
    return {}
  }
}

const names = process.argv.slice(2)
const known = experimentNames()
if (names.includes('--help')) {
  process.stdout.write(HELP)
} else if (names.some((name) => !known.includes(name))) {
  process.stderr.write(HELP)
  process.exitCode = 2
} else {
  const results: Record<string, Results[string]> = { ...readResults() }
  for (const name of names.length === 0 ? known : names) {
    const experiment = openExperiment(name, [])
    if (experiment.log === null) continue
    results[name] = {
      reproduced: await measured(experiment),
      headgate: await measured(asHeadgate(experiment)),
    }
    const sorted = known.filter((one) => results[one] !== undefined)
    const ordered = Object.fromEntries(sorted.map((one) => [one, results[one]]))
    writeFileSync(RESULTS_FILE, `${JSON.stringify(ordered, null, 2)}\n`)
    console.log(name, JSON.stringify(results[name]))
  }
}
