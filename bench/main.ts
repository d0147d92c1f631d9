// Runs one benchmark: `npm run bench -- NAME`.

import { parseArgs } from 'node:util'
import { exitOnSignals } from '../tools/exit-on-signals.ts'
import { type Bench, runBeside } from './beside.ts'
import { type BenchOptions, tableOf } from './harness.ts'

const HELP = `Usage: npm run bench -- NAME [--rounds N] [--seconds S] [--beside DIR] [--json]
       npm run bench -- --list

Measures a part of the program beside a baseline, in turns within one call.

Options:
  --rounds N    how often each contender is measured (default: 5)
  --seconds S   how long one measurement takes, about (default: 3)
  --beside DIR  in turns with the same benchmark of another checkout, such as \`git worktree add\`
                makes of an earlier commit (it needs its packages, too): what has changed since
  --json        print one JSON object as the last line of stdout
  --list        names of the benchmarks

Example: npm run bench -- gateway-accepted --json
Exit code: 0 measured (whatever came out), 1 could not be measured, 2 wrong usage.
`

/** In the order in which they are listed. Each is loaded only when it is run. */
const BENCHES: ReadonlyMap<string, { says: string; load: () => Promise<Bench> }> = new Map([
  [
    'gateway-accepted',
    {
      says: 'requests/s and CPU per request, POST /mappedIngest, 1600 B, 50 connections',
      load: () => import('./gateway-accepted.ts'),
    },
  ],
  [
    'gateway-durable',
    {
      says: 'the same, answered when on the disk, beside bare node:http and accepted',
      load: () => import('./gateway-durable.ts'),
    },
  ],
  [
    'semi-space',
    {
      says: 'what a bound on memory for new objects costs a durable record, and what it saves',
      load: () => import('./semi-space.ts'),
    },
  ],
  [
    'workers',
    {
      says: 'two processes that are one gateway beside one process, durable answers',
      load: () => import('./workers.ts'),
    },
  ],
  [
    'refusals',
    {
      says: 'CPU per request that is refused on its head, beside one that is durable and delivered',
      load: () => import('./refusals.ts'),
    },
  ],
  [
    'put-records',
    {
      says: 'CPU per PutRecords call of 500 × 1600 B and 20 × 50 KB',
      load: () => import('./put-records.ts'),
    },
  ],
  [
    'producer',
    {
      says: 'user records per second of CPU through the line, 100 B and 1600 B',
      load: () => import('./producer.ts'),
    },
  ],
  [
    'producer-curves',
    {
      says: 'CPU per user record with more shards, keys and outstanding records, 400 B',
      load: () => import('./producer-curves.ts'),
    },
  ],
  [
    'ordering',
    {
      says: 'CPU per user record with the records of a key in order, beside without',
      load: () => import('./ordering.ts'),
    },
  ],
  [
    'kinesis',
    {
      says: 'PutRecords and GetRecords of the embedded Kinesis, limits off, beside kinesalite',
      load: () => import('./kinesis.ts'),
    },
  ],
  [
    'spool',
    {
      says: 'durable records/s and p99 with 50 writers, replay, beside writev + fdatasync',
      load: () => import('./spool.ts'),
    },
  ],
  [
    'spool-start',
    {
      says: 'start with a gigabyte in one log after a kill, beside after an orderly end',
      load: () => import('./spool-start.ts'),
    },
  ],
  [
    'spool-backlog',
    {
      says: 'ten million unsettled records beside ten thousand; 1.5 GB of disk',
      load: () => import('./spool-backlog.ts'),
    },
  ],
  [
    'node-lines',
    {
      says: 'gateway-accepted on each supported line of Node',
      load: () => import('./node-lines.ts'),
    },
  ],
  [
    'wire',
    {
      says: 'CPU of hash keys, aggregates, request bodies, answers, signatures',
      load: () => import('./wire.ts'),
    },
  ],
])

interface Command {
  readonly name: string
  readonly bench: { load: () => Promise<Bench> }
  readonly beside: string | null
  readonly options: BenchOptions
  readonly isJson: boolean
}

/** What to run, or a text that says what is wrong. */
function readCommand(argv: readonly string[]): Command | 'help' | 'list' | { problem: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        beside: { type: 'string' },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    if (values.list) return 'list'
    const [name = ''] = positionals
    const bench = BENCHES.get(name)
    if (bench === undefined || positionals.length !== 1) {
      return { problem: `Name one of: ${[...BENCHES.keys()].join(', ')}` }
    }
    const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
    if (!Number.isInteger(rounds) || rounds < 1) return { problem: '--rounds takes 1 or more' }
    if (!(seconds > 0)) return { problem: '--seconds takes a positive number' }
    const options = { rounds, seconds, progress }
    return { name, bench, options, beside: values.beside ?? null, isJson: values.json }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** One line that is written over, on a terminal; nothing in a pipe. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

exitOnSignals()
const command = readCommand(process.argv.slice(2))
if (command === 'help') process.stdout.write(HELP)
else if (command === 'list') {
  for (const [name, { says }] of BENCHES) console.log(`${name.padEnd(18)}${says}`)
} else if ('problem' in command) {
  process.stderr.write(`${command.problem}\n\n${HELP}`)
  process.exitCode = 2
} else {
  const { name, beside, options } = command
  const bench = await command.bench.load()
  const result =
    beside === null ? await bench.run(options) : await runBeside(name, bench, beside, options)
  progress('')
  const write = command.isJson ? console.error : console.log
  write(tableOf(result))
  if (command.isJson) console.log(JSON.stringify(result))
  process.exit(0)
}
