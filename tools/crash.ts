// Kills the gateway again and again: `npm run crash -- --cycles 200`.

import { parseArgs } from 'node:util'
import { type CrashReport, crash, isGood } from './crash/crashes.ts'
import { progress } from './progress.ts'

const HELP = `Usage: npm run crash -- [--cycles N] [--seed N] [--json]

Starts an embedded Kinesis and, in another process, a gateway with its spool in front; sends it
records with an id over HTTP; ends it with kill -9 at random moments, some of them while it starts;
starts it again on the same directory. At the end every record that was answered \`durable\`,
\`delivered\` or \`pending\` must be in Kinesis, byte for byte, or among the dead letters, and the
receipt of each that was answered \`delivered\` must tell the place that the answer told. Records that
are in Kinesis twice are counted. About a second and a half for each cycle on a free machine.

Options:
  --cycles N    how often it is killed (default: 20)
  --seed N      draws the moments and the load (default: 1); the machine's own timing stays its own
  --json        print what was found as one JSON object
  --help        this text

Example: npm run crash -- --cycles 200 --seed 7
Exit code: 0 all is as promised, 1 it is not, or a start was refused, 2 wrong usage, 130 Ctrl-C.
`

const IDS_SHOWN_COUNT = 20

interface Options {
  readonly cycles: number
  readonly seed: number
  readonly isJson: boolean
}

function readOptions(args: string[]): Options | 'help' | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        cycles: { type: 'string', default: '20' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    const [cycles, seed] = [Number(values.cycles), Number(values.seed)]
    if (!Number.isInteger(cycles) || cycles < 1 || cycles > 100_000) {
      return { problem: `--cycles takes 1 to 100000, not ${values.cycles}` }
    }
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      return { problem: `--seed takes 0 to 4294967295, not ${values.seed}` }
    }
    return { cycles, seed, isJson: values.json }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

function textOf(report: CrashReport): string {
  const counts = (some: Readonly<Record<string, number>>) =>
    Object.entries(some)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none'
  const { lost, changed, startMs, ledger } = report
  const idsOf = (ids: readonly number[]) =>
    ids.length === 0 ? '0' : `${ids.length}: ids ${ids.slice(0, IDS_SHOWN_COUNT).join(' ')}`
  const rows = [
    ['kills', `${report.kills}, of them ${report.killsWhileStarting} while it started`],
    ['start', `median ${startMs.median} ms, longest ${startMs.max} ms`],
    ['records', `${report.sent} sent, ${report.unanswered} without an answer`],
    ['promised', counts(report.promised)],
    ['refused', counts(report.refused)],
    ['found', `${report.inKinesis} in Kinesis, ${report.inDeadLetters} dead letters`],
    ['duplicates', String(report.duplicates)],
    ['strange bytes', String(report.strange)],
    ['accepted and gone', `${report.acceptedAndGone} (promised nothing)`],
    [
      'ledger',
      `${report.isLedgerBalanced ? 'balanced' : 'NOT BALANCED'}: ${JSON.stringify(ledger)}`,
    ],
    ['changed', `${idsOf(changed)} (delivered elsewhere than was answered)`],
    ['lost', idsOf(lost)],
  ]
  return rows.map(([name, value]) => `${name!.padEnd(18)} ${value}`).join('\n')
}

async function main({ cycles, seed, isJson }: Options): Promise<number> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  try {
    const report = await crash({ cycles, seed, progress, signal: stop.signal })
    progress('')
    console.log(isJson ? JSON.stringify(report) : textOf(report))
    if (!isGood(report)) return 1
    return stop.signal.aborted ? 130 : 0
  } catch (error) {
    progress('')
    console.error((error as Error).message)
    return 1
  }
}

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(HELP)
else if ('problem' in options) {
  process.stderr.write(`${options.problem}\n\n${HELP}`)
  process.exitCode = 2
} else process.exitCode = await main(options)
