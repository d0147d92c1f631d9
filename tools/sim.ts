// Lives through simulated worlds: `npm run sim -- --seed N --count K`.

import { parseArgs } from 'node:util'
import { LineWorld, runSeed, type SpoolWorld } from '../src/sim/index.ts'
import { progress } from './progress.ts'
import { failureText, settingsText } from './sim/failure.ts'
import { runSpoolSeeds } from './sim/spool-room.ts'
import { Summary } from './sim/summary.ts'

const HELP = `Usage: npm run sim -- [--room ROOM] [--seed N] [--count K] [--trace] [--json]

Draws a world from each seed: gateways, producers, an embedded Kinesis, load, and faults of network,
service, disks, clocks and processes. Runs each world twice, checks the invariants after every
event, then stops the faults and requires that all settles. docs/simulation.md says what is checked.

Options:
  --room ROOM   line (default): all of it; spool: a spool on a disk, with many crashes, each world
                once and every hundredth twice
  --seed N      the first seed, 0 to 4294967295 (default: 1)
  --count K     how many seeds, from the first one on (default: 100)
  --trace       print the settings and every event of one seed, which runs once
  --json        print the summary as one JSON object
  --help        this text

Example: npm run sim -- --seed 41 --count 1
Exit code: 0 all came to rest, 1 an invariant broke or two runs differed, 2 wrong usage,
130 stopped by Ctrl-C.
`

const SEED_MAX = 2 ** 32 - 1
const PROGRESS_EACH_MS = 200

interface Options {
  readonly seed: number
  readonly count: number
  readonly room: 'line' | 'spool'
  readonly isTrace: boolean
  readonly isJson: boolean
}

/** The world that is under way: Ctrl-C and whatever fails outside of its events end it. */
let current: LineWorld | SpoolWorld | null = null
let isStopped = false

class Stopped extends Error {}

async function runSeeds({ seed, count, isJson }: Options): Promise<number> {
  const summary = new Summary()
  let shownAtMs = 0
  for (let done = 0; done < count && !isStopped; done++) {
    const nowMs = performance.now()
    if (nowMs - shownAtMs > PROGRESS_EACH_MS) {
      shownAtMs = nowMs
      progress(`seed ${seed + done}, ${done} of ${count} done, ${summary.rateText()}`)
    }
    const outcome = await runSeed(seed + done, { onWorld })
    if (isStopped) break
    if (outcome.kind !== 'came to rest') {
      progress('')
      console.log(failureText(seed + done, outcome))
      return 1
    }
    summary.add(outcome.report)
  }
  progress('')
  console.log(isJson ? JSON.stringify(summary.toJson(seed)) : summary.toText(seed))
  return isStopped ? 130 : 0
}

async function traceSeed(seed: number): Promise<number> {
  const line = new LineWorld(seed)
  onWorld(line)
  console.log(settingsText(line.settings))
  line.world.trace.listen((text) => console.log(text()))
  try {
    console.log(`\ncame to rest, digest ${(await line.run()).digest}`)
    return 0
  } catch (error) {
    if (error instanceof Stopped) return 130
    console.log(`\n${(error as Error).stack}`)
    return 1
  }
}

function onWorld(line: LineWorld): void {
  current = line
  if (isStopped) line.world.fail(new Stopped())
}

/** The options, or a text that says what is wrong. */
function readOptions(argv: readonly string[]): Options | 'help' | { problem: string } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        seed: { type: 'string', default: '1' },
        count: { type: 'string' },
        room: { type: 'string', default: 'line' },
        trace: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    const seed = wholeNumber(values.seed)
    const count = wholeNumber(values.count ?? (values.trace ? '1' : '100'))
    if (seed === null || seed > SEED_MAX) {
      return { problem: `--seed takes an integer from 0 to ${SEED_MAX}, not ${values.seed}` }
    }
    if (count === null || count < 1 || seed + count - 1 > SEED_MAX) {
      return { problem: `--count takes an integer from 1 on, not ${values.count}` }
    }
    const { room } = values
    if (room !== 'line' && room !== 'spool') {
      return { problem: `--room takes line or spool, not ${room}` }
    }
    if (values.trace && count !== 1) return { problem: '--trace shows one seed: without --count' }
    return { seed, count, room, isTrace: values.trace, isJson: values.json }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

function wholeNumber(text: string): number | null {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : null
}

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(HELP)
else if ('problem' in options) {
  process.stderr.write(`${options.problem}\n\n${HELP}`)
  process.exitCode = 2
} else {
  // `--trace` into `head`: nobody reads on.
  process.stdout.on('error', () => process.exit(0))
  // What is thrown where promises settle, such as a broken assertion of the line's own.
  process.on('unhandledRejection', (error) => current?.world.fail(error))
  process.once('SIGINT', () => {
    isStopped = true
    current?.world.fail(new Stopped())
  })
  const isStoppedNow = () => isStopped
  if (options.room === 'spool') {
    const onSpoolWorld = (world: SpoolWorld) => {
      current = world
    }
    const hooks = { progress, isStopped: isStoppedNow, onWorld: onSpoolWorld }
    process.exitCode = await runSpoolSeeds(options, hooks)
  } else if (options.isTrace) process.exitCode = await traceSeed(options.seed)
  else process.exitCode = await runSeeds(options)
}
