// Kills the gateway again and again: `npm run crash -- --cycles 200`; or lets everything go wrong
// that can: `npm run crash -- --troubles all`.

import { parseArgs } from 'node:util'
import { type CrashReport, crash, isGood, TROUBLES } from './crash/crashes.ts'
import { GATEWAY_TROUBLES, KINESIS_TROUBLES } from './crash/troubles.ts'
import { exitOnSignals } from './exit-on-signals.ts'
import { progress } from './progress.ts'

const HELP = `Usage: npm run crash -- [--cycles N] [--seed N] [--troubles LIST] [--workers N]
                        [--no-spool] [--json]

Starts an embedded Kinesis and, in another process, a gateway with its spool in front, and sends it
records with an id over HTTP: by every route, with every level of acknowledgement, keys, ids,
repeated requests, large records, odd clients. Meanwhile it ends the gateway with kill -9 at random
moments, some of them while it starts, and starts it again on the same directory; or lets other
things go wrong. At the end every record that was answered \`durable\`, \`delivered\` or \`pending\` must
be in Kinesis, byte for byte, or among the dead letters, and every receipt must tell the truth.
Records that are in Kinesis twice are counted. A cycle takes about a second and a half on a free
machine, and four with all troubles.

Options:
  --cycles N       how many troubles (default: 20)
  --seed N         draws the moments and the load (default: 1); the machine's timing stays its own
  --troubles LIST  what goes wrong, with commas, or \`all\` (default: kill). In each cycle one of
                   ${listed(GATEWAY_TROUBLES)},
                   and beside it one of Kinesis's:
                   ${listed(KINESIS_TROUBLES)}
  --workers N      processes of the gateway (default: 1)
  --no-spool       without a spool: only what was answered \`delivered\` has to be there
  --json           print what was found as one JSON object
  --help           this text

Example: npm run crash -- --troubles all --cycles 30 --workers 2 --seed 7
Exit code: 0 all is as promised, 1 it is not, or a start was refused, 2 wrong usage, 130 Ctrl-C.
`

const IDS_SHOWN_COUNT = 20
const WORKERS_MAX_COUNT = 64

/** In rows that fit beside the options. */
function listed(troubles: ReadonlyMap<string, unknown>): string {
  const names = [...troubles.keys()].join(', ')
  return names.replaceAll(/(.{1,60}$|.{1,60},) ?/g, `$1\n${' '.repeat(19)}`).trimEnd()
}

interface Options {
  readonly cycles: number
  readonly seed: number
  readonly troubles: readonly string[]
  readonly workers: number
  readonly isSpooled: boolean
  readonly isJson: boolean
}

function readOptions(args: string[]): Options | 'help' | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        cycles: { type: 'string', default: '20' },
        seed: { type: 'string', default: '1' },
        troubles: { type: 'string', default: 'kill' },
        workers: { type: 'string', default: '1' },
        'no-spool': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    const troubles = values.troubles === 'all' ? TROUBLES : values.troubles.split(',')
    const unknown = troubles.find((name) => !TROUBLES.includes(name))
    if (unknown !== undefined) return { problem: `--troubles knows no ${unknown}` }
    return {
      cycles: number('--cycles', values.cycles, { min: 1, max: 100_000 }),
      seed: number('--seed', values.seed, { min: 0, max: 2 ** 32 - 1 }),
      troubles,
      workers: number('--workers', values.workers, { min: 1, max: WORKERS_MAX_COUNT }),
      isSpooled: !values['no-spool'],
      isJson: values.json,
    }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

function number(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new Error(`${name} takes ${min} to ${max}, not ${text}`)
}

function textOf(report: CrashReport): string {
  const counts = (some: Readonly<Record<string, number>>) =>
    Object.entries(some)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none'
  const { startMs, ledger } = report
  const idsOf = (ids: readonly number[]) =>
    ids.length === 0 ? '0' : `${ids.length}: ids ${ids.slice(0, IDS_SHOWN_COUNT).join(' ')}`
  const rows = [
    ['seed', String(report.seed)],
    ['troubles', counts(report.troubles)],
    ['starts', `${startMs.count}, median ${startMs.median} ms, longest ${startMs.max} ms`],
    ['requests', `${report.sent} sent, ${report.unanswered} without an answer`],
    ['promised', counts(report.promised)],
    ['refused', counts(report.refused)],
    ['repeated', `${report.repeated} requests, answered as before`],
    ['odd clients', counts(report.oddClients)],
    ['found', `${report.inKinesis} in Kinesis, ${report.inDeadLetters} dead letters`],
    ['replayed', `${report.replayed} dead letters`],
    ['duplicates', String(report.duplicates)],
    ['accepted and gone', `${report.acceptedAndGone} (promised nothing)`],
    [
      'ledger',
      `${report.isLedgerBalanced ? 'balanced' : 'NOT BALANCED'}: ${JSON.stringify(ledger)}`,
    ],
    ['looked at', `${report.looks} times while it ran`],
    ['receipts', `${report.receipts} asked for; untrue: ${idsOf(report.untrue)}`],
    ['changed', `${idsOf(report.changed)} (delivered elsewhere than was answered)`],
    ['refused, stored', idsOf(report.storedThough)],
    ['strange bytes', String(report.strange)],
    ['lost', idsOf(report.lost)],
    ['else', [counts(report.findings), ...report.findingsTold].join('\n  ')],
    ['verdict', isGood(report) ? 'good: all is as promised' : 'BAD'],
  ]
  return rows.map(([name, value]) => `${name!.padEnd(18)} ${value}`).join('\n')
}

async function main({ isJson, ...options }: Options): Promise<number> {
  const stop = new AbortController()
  process.once('SIGINT', () => {
    stop.abort()
    exitOnSignals(['SIGINT'])
  })
  exitOnSignals(['SIGHUP', 'SIGTERM'])
  try {
    const report = await crash({ ...options, progress, signal: stop.signal })
    progress('')
    console.log(isJson ? JSON.stringify(report) : textOf(report))
    if (!isGood(report)) return 1
    return stop.signal.aborted ? 130 : 0
  } catch (error) {
    progress('')
    console.error(`seed ${options.seed}: ${(error as Error).message}`)
    return 1
  }
}

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(HELP)
else if ('problem' in options) {
  process.stderr.write(`${options.problem}\n\n${HELP}`)
  process.exitCode = 2
} else process.exitCode = await main(options)
