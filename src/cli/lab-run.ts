// headgate lab run and compare: experiments one after the other, each with its folder.

import { join } from 'node:path'
import {
  aggregateOf,
  alignTable,
  asHeadgate,
  compareTable,
  type Experiment,
  type Run,
  scaled,
  simulate,
} from '../lab/index.ts'
import { EXIT, usageError } from './exit.ts'
import { nested, type Override, openExperiment, settingPath } from './lab-catalogue.ts'
import { makeFolder, missingPictures, writeReport, writeRun } from './lab-folder.ts'
import { ProgressLine } from './lab-progress.ts'

export interface RunOptions {
  readonly as: 'headgate' | null
  readonly scale: number
  readonly seed: number
  readonly isJson: boolean
  readonly out: string
  readonly sweep: string | null
  readonly print: (text: string) => void
}

/** One run to be made. */
interface Planned {
  readonly experiment: Experiment
  readonly title: string
}

/** Ends with the exit code. */
export async function runExperiments(
  names: readonly string[],
  options: RunOptions,
): Promise<number> {
  const interrupt = new Interrupt()
  const sweep = options.sweep === null ? null : parseSweep(options.sweep)
  // Everything that can be wrong is found before the first minute is spent.
  const groups = names.map((name) => ({ name, runs: planOf(name, sweep, options) }))
  makeFolder(options.out)
  for (const { name, runs } of groups) {
    const done: Run[] = []
    for (const planned of runs) {
      const folder = join(options.out, planned.title)
      done.push(await runOne(planned, folder, options, interrupt))
      if (interrupt.isPressed) break
    }
    if (runs.length > 1)
      await writeReport(join(options.out, `${name}-sweep`), done, `${name}: ${options.sweep}`)
    tell(done, options)
    if (interrupt.isPressed) break
  }
  interrupt.release()
  return interrupt.isPressed ? EXIT.failed : EXIT.good
}

/** The log, its reproduction and Headgate in one report. */
export async function compareExperiment(name: string, options: RunOptions): Promise<number> {
  const interrupt = new Interrupt()
  const runs: Run[] = []
  for (const as of [null, 'headgate'] as const) {
    const [planned] = planOf(name, null, { ...options, as })
    runs.push(await runOne(planned!, join(options.out, planned!.title), options, interrupt))
    if (interrupt.isPressed) break
  }
  await writeReport(
    join(options.out, `${name}-compared`),
    runs,
    `${name}: log, reproduction, Headgate`,
  )
  tell(runs, options)
  interrupt.release()
  return interrupt.isPressed ? EXIT.failed : EXIT.good
}

interface Sweep {
  readonly path: string
  readonly values: readonly string[]
}

/** `backpressure.threshold=500,5000`. */
function parseSweep(text: string): Sweep {
  const equals = text.indexOf('=')
  const values = text.slice(equals + 1).split(',')
  if (equals < 1 || values.some((value) => value === '')) {
    throw usageError(`--sweep is ${JSON.stringify(text)}; say setting=value,value,...`)
  }
  return { path: settingPath(text.slice(0, equals)), values }
}

function planOf(name: string, sweep: Sweep | null, options: RunOptions): Planned[] {
  const variants: (Override | null)[] =
    sweep === null ? [null] : sweep.values.map((text) => ({ path: sweep.path, text }))
  return variants.map((variant) => {
    const overrides = variant === null ? [] : [variant]
    const own = openExperiment(name, overrides)
    const experiment = options.as === 'headgate' ? asHeadgate(own, nested(overrides)) : own
    const suffixes = [
      options.as === 'headgate' ? '-as-headgate' : '',
      variant === null ? '' : `-${variant.path.split('.').at(-1)}-${variant.text}`,
    ]
    const scaledOne = scaled(experiment, options.scale)
    return { experiment: scaledOne, title: experiment.name + suffixes.join('') }
  })
}

async function runOne(
  { experiment, title }: Planned,
  folder: string,
  options: RunOptions,
  interrupt: Interrupt,
): Promise<Run> {
  const { seed, scale } = options
  const progress = new ProgressLine()
  const onProgress = progress.say.bind(progress)
  const isCutShort = () => interrupt.isPressed
  const common = { experiment, title, seed, scale, onProgress, isCutShort }
  const run = await simulate(common)
  progress.clear()
  await writeRun(folder, run)
  return run
}

function tell(runs: readonly Run[], { isJson, print, out }: RunOptions): void {
  const [first] = runs
  if (first === undefined) return
  if (isJson) {
    for (const run of runs) print(JSON.stringify(jsonOf(run)))
    return
  }
  const shown = alignTable(compareTable(first.experiment, runs))
  print(`${shown}\n`)
  for (const { warnings } of runs) for (const warning of warnings) print(`mind: ${warning}`)
  const missing = missingPictures()
  if (missing !== null) print(`mind: ${missing}`)
  for (const run of runs) print(join(out, run.title, 'report.html'))
}

function jsonOf(run: Run): object {
  const { experiment, title, kind, seed, scale, counters, isCutShort, endMs, warnings } = run
  const about = { name: experiment.name, title, kind, seed, scale, isCutShort, endMs, warnings }
  return { ...about, aggregate: aggregateOf(run), counters, log: experiment.log }
}

/** Ctrl-C: once to end in order and keep what was measured, twice to end at once. */
class Interrupt {
  isPressed = false
  readonly #onSignal = () => {
    if (this.isPressed) process.exit(EXIT.failed)
    this.isPressed = true
  }

  constructor() {
    process.on('SIGINT', this.#onSignal)
    process.on('SIGTERM', this.#onSignal)
  }

  release(): void {
    process.off('SIGINT', this.#onSignal)
    process.off('SIGTERM', this.#onSignal)
  }
}
