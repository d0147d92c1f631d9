// The gateway under more load than it can carry: `npm run overload`.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { exitOnSignals } from './exit-on-signals.ts'
import { marksOf } from './overload/marks.ts'
import { overload, type ScenarioReport } from './overload/overload.ts'
import { GRAPH_NAME, graphOf, pageOf } from './overload/page.ts'
import type { Scenario } from './overload/world.ts'
import { progress } from './progress.ts'

const HELP = `Usage: npm run overload -- [--seconds N] [--rounds N] [--only NAME] [--semi-space MIB] [--write] [--json]

Offers a real gateway 1, 2, 5 and 10 times what it can carry, from a generator that does not wait
for answers, with and without headroom in the spool. Everything runs on this machine's loopback.
About twelve minutes with a minute for each step.

Options:
  --seconds N   how long each step takes, 5 to 600 (default: 60)
  --rounds N    how often each step is run, in turns, 1 to 20 (default: 1)
  --only NAME   without-headroom or with-headroom
  --semi-space MIB
                what V8 may take for each half of its new objects; 0 leaves it to V8 (default: 16)
  --write       write docs/overload.md and docs/overload.svg
  --json        print what was measured as one JSON object
  --help        this text

Example: npm run overload -- --seconds 15 --only without-headroom
Exit code: 0 measured, whatever the figures; 1 it could not be measured; 2 wrong usage.
`

const MIB = 1024 * 1024
const SCENARIOS: readonly Omit<Scenario, 'semiSpaceMib'>[] = [
  {
    name: 'without headroom',
    spoolMaxBytes: 2 * MIB,
    segmentBytes: 128 * 1024,
    firstPerSecond: 500,
  },
  {
    name: 'with headroom',
    spoolMaxBytes: 40 * 1024 * MIB,
    segmentBytes: 64 * MIB,
    firstPerSecond: 8000,
  },
]

interface Options {
  readonly seconds: number
  readonly roundCount: number
  readonly scenarios: readonly Scenario[]
  readonly isWritten: boolean
  readonly isJson: boolean
}

function readOptions(args: string[]): Options | 'help' | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        seconds: { type: 'string', default: '60' },
        only: { type: 'string' },
        rounds: { type: 'string', default: '1' },
        'semi-space': { type: 'string', default: '16' },
        write: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    const seconds = Number(values.seconds)
    if (!Number.isInteger(seconds) || seconds < 5 || seconds > 600) {
      return { problem: `--seconds takes 5 to 600, not ${values.seconds}` }
    }
    const roundCount = Number(values.rounds)
    if (!Number.isInteger(roundCount) || roundCount < 1 || roundCount > 20) {
      return { problem: `--rounds takes 1 to 20, not ${values.rounds}` }
    }
    const semiSpaceMib = Number(values['semi-space'])
    if (!Number.isInteger(semiSpaceMib) || semiSpaceMib < 0 || semiSpaceMib > 1024) {
      return { problem: `--semi-space takes 0 to 1024, not ${values['semi-space']}` }
    }
    const chosen = SCENARIOS.filter(({ name }) => {
      return values.only === undefined || name.replace(' ', '-') === values.only
    })
    const scenarios = chosen.map((scenario) => ({ ...scenario, semiSpaceMib }))
    if (scenarios.length === 0) return { problem: `--only does not take ${values.only}` }
    return { seconds, roundCount, scenarios, isWritten: values.write, isJson: values.json }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

function textOf(report: ScenarioReport): string {
  const { scenario, capacityPerSecond, steps } = report
  const lines = steps.map((step) => {
    const { goodPerSecond, refusedPerSecond, goodMs, refusedMs, backAfterSeconds } = step
    const { goodSpread, cpuMicros, cores } = step
    return [
      `  × ${step.multiple}: offered ${step.offeredPerSecond.toFixed(0)}/s,`,
      `good ${goodPerSecond.toFixed(0)}/s (${goodSpread.map((one) => one.toFixed(0)).join(' to ')},`,
      `p99 ${goodMs.p99.toFixed(1)} ms),`,
      `refused ${refusedPerSecond.toFixed(0)}/s (p99 ${refusedMs.p99.toFixed(1)} ms)`,
      `${JSON.stringify(step.refused)}, broken ${step.broken}, back after ${backAfterSeconds} s,`,
      `CPU ${cpuMicros.user.toFixed(1)} + ${cpuMicros.system.toFixed(1)} µs an answer,`,
      `${Math.round(cores * 100)} % of a core`,
      ...step.generatorLimits.map((limit) => `\n      warning: ${limit}`),
    ].join(' ')
  })
  const marks = marksOf(report).map(({ says, isMet, measured }) => {
    return `  ${isMet ? 'met    ' : 'NOT MET'} ${says}: ${measured}`
  })
  return [`${scenario.name}: capacity ${capacityPerSecond}/s`, ...lines, ...marks].join('\n')
}

async function main(options: Options): Promise<number> {
  const { seconds, roundCount } = options
  const reports: ScenarioReport[] = []
  try {
    for (const scenario of options.scenarios) {
      const report = await overload(scenario, { ...options, progress })
      progress('')
      reports.push(report)
      if (!options.isJson) console.log(textOf(report))
    }
  } catch (error) {
    progress('')
    console.error((error as Error).message)
    return 1
  }
  if (options.isJson) console.log(JSON.stringify({ seconds, roundCount, reports }))
  if (options.isWritten) {
    writeFileSync('docs/overload.md', pageOf(reports, options))
    writeFileSync(`docs/${GRAPH_NAME}`, graphOf(reports))
  }
  return 0
}

exitOnSignals()
const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(HELP)
else if ('problem' in options) {
  process.stderr.write(`${options.problem}\n\n${HELP}`)
  process.exitCode = 2
} else process.exitCode = await main(options)
