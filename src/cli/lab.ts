// headgate lab: the commands and their options.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { hasBackPressure } from '../lab/index.ts'
import { experimentNames, openExperiment } from './lab-catalogue.ts'
import { compareExperiment, type RunOptions, runExperiments } from './lab-run.ts'

interface Options {
  as?: 'headgate'
  scale: number
  seed: number
  json?: boolean
  out: string
  sweep?: string
}

/** Adds the commands to the program. */
export function addLab(program: Command, print: (text: string) => void): void {
  const lab = program
    .command('lab')
    .description('Experiments on the whole line, simulated in seconds or live.')
  lab
    .command('list')
    .description('List the experiments and what the log measured of each.')
    .option('--json', 'one JSON line each')
    .addHelpText('after', '\nExample:\n  headgate lab list')
    .action(({ json }: { json?: boolean }) => print(listing(json === true)))
  withRunOptions(lab.command('run').argument('<names...>', "experiments, or files of one's own"))
    .description('Run experiments and leave a folder with a report for each.')
    .option(
      '--as <whom>',
      'headgate: the same load and world with the defaults of Headgate',
      asWhom,
    )
    .option('--sweep <setting=a,b,c>', 'run once for each value, with one report of all')
    .addHelpText(
      'after',
      '\nExample:\n  headgate lab run bp-500 --sweep backpressure.threshold=500,5000',
    )
    .action(async (names: string[], options: Options) => {
      const all = names.length === 1 && names[0] === 'all' ? experimentNames() : names
      process.exitCode = await runExperiments(all, runOptions(options, print))
    })
  withRunOptions(lab.command('compare').argument('<name>', 'an experiment'))
    .description('Put the log, its reproduction and Headgate side by side.')
    .option('--as <whom>', 'headgate, which is compared anyway', asWhom)
    .addHelpText('after', '\nExample:\n  headgate lab compare ttl-10s --as headgate')
    .action(async (name: string, options: Options) => {
      process.exitCode = await compareExperiment(name, runOptions(options, print))
    })
}

function withRunOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--scale <factor>', 'shrink ramp-up, loops and counts alike')
        .argParser(scaleOf)
        .default(1),
    )
    .addOption(
      new Option('--seed <n>', 'the same seed gives the same bytes').argParser(seedOf).default(1),
    )
    .option('--out <directory>', 'where the folders go', 'lab-results')
    .option('--json', 'one JSON line for each run')
}

function runOptions(options: Options, print: (text: string) => void): RunOptions {
  const { as, scale, seed, json, out, sweep } = options
  return {
    as: as ?? null,
    scale,
    seed,
    isJson: json === true,
    out,
    sweep: sweep ?? null,
    print,
  }
}

function listing(isJson: boolean): string {
  const experiments = experimentNames().map((name) => openExperiment(name, []))
  if (isJson) {
    return experiments
      .map(({ name, says, load, world, log }) => JSON.stringify({ name, says, load, world, log }))
      .join('\n')
  }
  return experiments
    .map((experiment) => {
      const { name, says, load, log } = experiment
      const figures = [
        log?.samples == null ? null : `${log.samples} samples`,
        log?.averageMs == null ? null : `${log.averageMs} ms`,
        log?.throughput == null ? null : `${log.throughput.toFixed(1)}/s`,
      ].filter((figure) => figure !== null)
      const pressure = hasBackPressure(experiment) ? 'back pressure' : 'no back pressure'
      const shape = `${load.threads} threads, ${load.rampUpMs / 1000} s, ${load.loops} loops, ${pressure}`
      const saw = figures.length === 0 ? (log?.saw ?? 'not of the log') : figures.join(', ')
      return `${name}\n  ${says}\n  ${shape}\n  log: ${saw}`
    })
    .join('\n\n')
}

function asWhom(text: string): 'headgate' {
  if (text !== 'headgate') throw new InvalidArgumentError('Say headgate.')
  return text
}

function scaleOf(text: string): number {
  const scale = Number(text)
  if (!(scale > 0 && scale <= 1)) throw new InvalidArgumentError('Say a number above 0, at most 1.')
  return scale
}

function seedOf(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text) || Number(text) >= 2 ** 32) {
    throw new InvalidArgumentError('Say a whole number from 0 to 4294967295.')
  }
  return Number(text)
}
