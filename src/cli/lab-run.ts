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
import {
  experimentNames,
  nested,
  type Override,
  openExperiment,
  settingPath,
} from './lab-catalogue.ts'
import { makeFolder, missingPictures, writeReport, writeRun } from './lab-folder.ts'
import { runLive } from './lab-live.ts'
import { ProgressLine } from './lab-progress.ts'
import { isRunFolder, readFolder } from './lab-report.ts'

export interface RunOptions {
  readonly as: 'headgate' | null
  readonly scale: number
  readonly seed: number
  readonly isJson: boolean
  readonly out: string
  readonly sweep: string | null
  readonly isLive: boolean
  readonly target: string | null
  readonly print: (text: string) => void
}

/** One run to be made. */
interface Planned {
  readonly experiment: Experiment
  /** What it is called in tables. */
  readonly title: string
  readonly folder: string
}

/** Runs that share a report. */
interface Group {
  readonly heading: string
  /** To be made, or read from a folder. */
  readonly runs: readonly (Planned | Run)[]
  /** Of the common report, where there are several. */
  readonly folder: string
}

/** Experiments one after the other. Ends with the exit code. */
export function runExperiments(names: readonly string[], options: RunOptions): Promise<number> {
  const sweep = options.sweep === null ? null : parseSweep(options.sweep)
  const isAll = names.length === 1 && names[0] === 'all'
  const groups = (isAll ? experimentNames() : names).map((nameOrFile) => {
    const runs = planOf(nameOrFile, sweep, options)
    const { name } = runs[0]!.experiment
    const heading = sweep === null ? name : `${name}: ${options.sweep}`
    return { heading, runs, folder: join(options.out, `${name}-sweep`) }
  })
  return runGroups(groups, options)
}

/** Of one experiment the log, its reproduction and Headgate; of several themselves. */
export async function compareExperiments(
  names: readonly string[],
  options: RunOptions,
): Promise<number> {
  const runs: (Planned | Run)[] = []
  for (const name of names) {
    if (isRunFolder(name)) runs.push(await readFolder(name))
    else runs.push(...planOf(name, null, names.length === 1 ? { ...options, as: null } : options))
    if (names.length === 1) runs.push(...planOf(name, null, { ...options, as: 'headgate' }))
  }
  const [first] = runs
  const { name } = first!.experiment
  const heading =
    names.length === 1
      ? `${name}: log, reproduction, Headgate`
      : runs.map(({ title }) => title).join(' | ')
  const folder = join(options.out, names.length === 1 ? `${name}-compared` : 'compared')
  return runGroups([{ heading, runs, folder }], options)
}

// Everything that can be wrong has been found before the first minute is spent.
async function runGroups(groups: readonly Group[], options: RunOptions): Promise<number> {
  const interrupt = new Interrupt()
  await makeFolder(options.out)
  for (const { heading, runs, folder } of groups) {
    const done: Run[] = []
    for (const planned of runs) {
      if (interrupt.isPressed) break
      done.push(isRun(planned) ? planned : await runOne(planned, options, interrupt))
    }
    const isSeveral = done.length > 1
    if (isSeveral) await writeReport(folder, done, heading)
    const [only] = runs
    tell(done, isSeveral || isRun(only!) ? folder : only!.folder, options)
    if (interrupt.isPressed) break
  }
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

function planOf(nameOrFile: string, sweep: Sweep | null, options: RunOptions): Planned[] {
  const variants: (Override | null)[] =
    sweep === null ? [null] : sweep.values.map((text) => ({ path: sweep.path, text }))
  return variants.map((variant) => {
    const overrides = variant === null ? [] : [variant]
    const own = openExperiment(nameOrFile, overrides)
    const isHeadgate = options.as === 'headgate'
    const experiment = isHeadgate ? asHeadgate(own, nested(overrides)) : own
    const as = isHeadgate ? ['as-headgate'] : []
    const change = variant === null ? [] : [`${variant.path.split('.').at(-1)}-${variant.text}`]
    const name = [experiment.name, ...as, ...change].join('-')
    return {
      experiment: scaled(experiment, options.scale),
      title: variant === null ? name : [...as, ...change].join(' '),
      folder: join(options.out, name),
    }
  })
}

async function runOne(
  { experiment, title, folder }: Planned,
  options: RunOptions,
  interrupt: Interrupt,
): Promise<Run> {
  const { seed, scale } = options
  const progress = new ProgressLine()
  const onProgress = progress.say.bind(progress)
  const isCutShort = () => interrupt.isPressed
  const common = { experiment, title, seed, scale, onProgress, isCutShort }
  if (options.isLive) {
    const { run, startedAtMs } = await runLive({ ...common, target: options.target })
    progress.clear()
    await writeRun(folder, run, startedAtMs)
    return run
  }
  const run = await simulate(common)
  progress.clear()
  await writeRun(folder, run)
  return run
}

function isRun(one: Planned | Run): one is Run {
  return 'samples' in one
}

function tell(runs: readonly Run[], folder: string, { isJson, print }: RunOptions): void {
  const [first] = runs
  if (first === undefined) return
  if (isJson) {
    for (const run of runs) print(JSON.stringify(jsonOf(run)))
    return
  }
  print(`${alignTable(compareTable(first.experiment, runs))}\n`)
  const missing = missingPictures()
  const notes = runs.flatMap(({ warnings }) => warnings)
  for (const note of missing === null ? notes : [...notes, missing]) print(`mind: ${note}`)
  print(join(folder, 'report.html'))
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
