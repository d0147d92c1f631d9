// Runs the tests: `npm test -- [--isolated] [--verbose] [FILTER…]`. The last line is always
// `N passed, N failed`, with `, N skipped` when there are any.

import { readdirSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { type EventData, run } from 'node:test'
import { inspect, parseArgs } from 'node:util'
import { Watchdog } from './watchdog.ts'

const HELP = `Usage: npm test -- [OPTIONS] [FILTER...]

Runs every test/**/*.test.ts whose path contains one of the filters (all without a filter).

Options:
  --name TEXT   only tests whose title contains TEXT
  --isolated    each file in a process of its own, two at a time (slower; finds tests
                that lean on one another)
  --verbose     a line for each test, not only for each file
  --patience S  seconds after which a test counts as hanging (default: 240)
  --root DIR    where the folder test/ is (default: the working directory)
  --help        this text

Example: npm test -- test/wire --name 'hash key'
Exit code: 0 all passed, 1 a test failed or none ran, 2 wrong usage.
`

/** How much longer than one test's patience no test may end, before the whole run is given up. */
const STUCK_FACTOR = 1.5
/** How much longer still, before another thread ends it: this one may be caught in a loop. */
const CAUGHT_FACTOR = 2
const NODE_MAJOR = Number(process.versions.node.split('.')[0])

interface Options {
  readonly root: string
  readonly filters: readonly string[]
  readonly name: string
  readonly isIsolated: boolean
  readonly isVerbose: boolean
  readonly patienceMs: number
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Every test file below `root`/test that a filter wants, in a fixed order. */
function testFiles(root: string, filters: readonly string[]): string[] {
  const folder = join(root, 'test')
  const wanted = filters.map((filter) => filter.replace(/^\.\//, ''))
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => relative(root, join(folder, name)))
    .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
    .sort()
    .map((path) => join(root, path))
}

/** Collects what the tests report and prints one line a file, and every failure at once. */
class Report {
  readonly #root: string
  readonly #isVerbose: boolean
  readonly #files = new Map<string, Counts & { elapsedMs: number }>()

  constructor(root: string, isVerbose: boolean) {
    this.#root = root
    this.#isVerbose = isVerbose
  }

  add(event: EventData.TestPass | EventData.TestFail, isPassed: boolean): void {
    const path = relative(this.#root, event.file ?? event.name)
    // A file is reported as a test too: with --isolated, and on Node 22 when it holds none. Only
    // its failure is news: it could not be loaded, or it crashed.
    if (isPassed && (event.details.type === 'suite' || isFile(event))) return
    if (!isPassed && isOnlyItsParts(event as EventData.TestFail)) return
    const counts = this.#countsOf(path)
    if (event.nesting === 0) counts.elapsedMs += event.details.duration_ms
    const isSkipped = isPassed && (event.skip !== undefined || event.todo !== undefined)
    if (isSkipped) counts.skipped++
    else if (isPassed) counts.passed++
    else counts.failed++
    if (isPassed && !this.#isVerbose) return
    const place = event.line === undefined ? path : `${path}:${event.line}`
    console.log(`${isSkipped ? 'skip' : isPassed ? 'ok' : 'FAILED'}  ${place}  ${event.name}`)
    if (!isPassed) console.log(indent(explain((event as EventData.TestFail).details.error)))
  }

  /** So far. */
  sum(): Counts {
    const sum: Counts = { passed: 0, failed: 0, skipped: 0 }
    for (const counts of this.#files.values()) {
      sum.passed += counts.passed
      sum.failed += counts.failed
      sum.skipped += counts.skipped
    }
    return sum
  }

  finish(): Counts {
    console.log('')
    for (const [path, counts] of this.#files) {
      console.log(`${counts.failed > 0 ? '✖' : '✔'} ${path}  ${describe(counts)}`)
    }
    console.log('')
    return this.sum()
  }

  #countsOf(path: string): Counts & { elapsedMs: number } {
    let counts = this.#files.get(path)
    if (counts === undefined) {
      counts = { passed: 0, failed: 0, skipped: 0, elapsedMs: 0 }
      this.#files.set(path, counts)
    }
    return counts
  }
}

function describe(counts: Counts & { elapsedMs: number }): string {
  const failed = counts.failed > 0 ? `, ${counts.failed} failed` : ''
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
  return `${counts.passed} passed${failed}${skipped}  ${Math.round(counts.elapsedMs)} ms`
}

function isFile({ name, file }: EventData.TestPass): boolean {
  return isAbsolute(name) && name.endsWith('.test.ts') && (file === undefined || file === name)
}

/** Failed because a test inside it did, which is reported by itself. */
function isOnlyItsParts(event: EventData.TestFail): boolean {
  return (
    'failureType' in event.details.error && event.details.error.failureType === 'subtestsFailed'
  )
}

/** What a failed test threw, without the runner's own wrapping. */
function explain(error: Error): string {
  const { cause } = error
  if (cause instanceof Error) return inspect(cause, { depth: 4 })
  return cause === undefined ? inspect(error) : String(cause)
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}

async function runTests(options: Options): Promise<number> {
  const files = testFiles(options.root, options.filters)
  const report = new Report(options.root, options.isVerbose)
  const finish = (problem: string | null): number => {
    process.removeListener('exit', onEarlyExit)
    const { passed, failed, skipped } = report.finish()
    if (problem !== null) console.log(problem)
    const failedCount = failed + (problem === null ? 0 : 1)
    if (passed + failedCount === 0) console.log('No test was executed.')
    const tail = skipped > 0 ? `, ${skipped} skipped` : ''
    console.log(`${passed} passed, ${failedCount} failed${tail}`)
    return failedCount === 0 && passed > 0 ? 0 : 1
  }
  const onEarlyExit = () => {
    process.exitCode = finish('The process ended before its tests did: one of them ends it.')
  }
  process.on('exit', onEarlyExit)
  if (files.length > 0) {
    await new Promise<void>((resolve) => {
      const stuckAfterMs = options.patienceMs * STUCK_FACTOR
      const onStuck = () => process.exit(finish(stuck(stuckAfterMs)))
      const watch = setTimeout(onStuck, stuckAfterMs).unref()
      const watchdog = new Watchdog(options.patienceMs * CAUGHT_FACTOR)
      const events = start(files, options, report).on('data', () => {
        watch.refresh()
        const { passed, failed } = report.sum()
        watchdog.report(passed, failed)
      })
      events.on('end', () => {
        clearTimeout(watch)
        resolve()
      })
    })
  }
  return finish(null)
}

function start(files: string[], options: Options, report: Report): ReturnType<typeof run> {
  const name = options.name === '' ? {} : { testNamePatterns: new RegExp(literally(options.name)) }
  // Node 22 chooses tests by title only in processes of their own.
  const isIsolated = options.isIsolated || (options.name !== '' && NODE_MAJOR < 24)
  const isolation = isIsolated ? 'process' : 'none'
  const shared = { files, isolation, timeout: options.patienceMs, ...name } as const
  const events = run(isIsolated ? { ...shared, concurrency: 2 } : shared)
  events.on('test:pass', (event) => report.add(event, true))
  events.on('test:fail', (event) => report.add(event, false))
  if (isIsolated) {
    events.on('test:stdout', (event) => process.stdout.write(event.message))
    events.on('test:stderr', (event) => process.stderr.write(event.message))
  }
  return events
}

function stuck(afterMs: number): string {
  const open = [...new Set(process.getActiveResourcesInfo())].join(', ')
  return `No test ended for ${afterMs / 1000} s. One left something open: ${open}.`
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** The options, or null when they are wrong (and the reason is on stderr). */
function readOptions(argv: readonly string[]): Options | 'help' | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        name: { type: 'string', default: '' },
        isolated: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        patience: { type: 'string', default: '240' },
        root: { type: 'string', default: '.' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    const patienceMs = Number(values.patience) * 1000
    if (!(patienceMs > 0)) throw new Error(`--patience takes seconds, not ${values.patience}`)
    return {
      root: resolve(values.root),
      filters: positionals,
      name: values.name,
      isIsolated: values.isolated,
      isVerbose: values.verbose,
      patienceMs,
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    return null
  }
}

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(HELP)
else if (options === null) process.exitCode = 2
else {
  const code = await runTests(options)
  // A test that leaves a handle open must not keep the result from the one who waits for it.
  process.exit(code)
}
