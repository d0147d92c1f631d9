// headgate lab: the commands and their options. What they do is loaded when one is called, so that
// the other commands start as fast as without.

import { type Command, InvalidArgumentError, Option } from 'commander'
import type { RunOptions } from './lab-run.ts'

interface Options {
  as?: 'headgate'
  scale: number
  seed: number
  json?: boolean
  out: string
  sweep?: string
  live?: boolean
  target?: string
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
    .action(async ({ json }: { json?: boolean }) => {
      const { listing } = await import('./lab-show.ts')
      print(listing(json === true))
    })
  withRunOptions(lab.command('run').argument('<names...>', "experiments, or files of one's own"))
    .description('Run experiments and leave a folder with a report for each.')
    .option(
      '--as <whom>',
      'headgate: the same load and world with the defaults of Headgate',
      asWhom,
    )
    .option('--sweep <setting=a,b,c>', 'run once for each value, with one report of all')
    .option('--live', 'a real gateway process and a real embedded Kinesis on loopback')
    .option('--target <url>', 'live, against any other server: the URL that is posted to')
    .addHelpText(
      'after',
      '\nExample:\n  headgate lab run bp-500 --sweep backpressure.threshold=500,5000',
    )
    .action(async (names: string[], options: Options) => {
      const { runExperiments } = await import('./lab-run.ts')
      process.exitCode = await runExperiments(names, runOptions(options, print))
    })
  const compared = "experiments, files of one's own, or folders of runs"
  withRunOptions(lab.command('compare').argument('<names...>', compared))
    .description('Put side by side: log, reproduction and Headgate of one, or several runs.')
    .option('--as <whom>', 'headgate, which is compared anyway', asWhom)
    .addHelpText(
      'after',
      '\nExamples:\n  headgate lab compare ttl-10s --as headgate\n  headgate lab compare bp-500 bp-5000',
    )
    .action(async (names: string[], options: Options) => {
      const { compareExperiments } = await import('./lab-run.ts')
      process.exitCode = await compareExperiments(names, runOptions(options, print))
    })
  addFiles(lab, print)
}

/** What becomes of folders and of other people's plans. */
function addFiles(lab: Command, print: (text: string) => void): void {
  lab
    .command('report')
    .description("Make the report of a run's folder anew, or of a JTL file of JMeter.")
    .argument('<folder>', 'folder of a run, or a .jtl file')
    .addHelpText('after', '\nExample:\n  headgate lab report lab-results/bp-500')
    .action(async (folder: string) => {
      const { makeReport } = await import('./lab-report.ts')
      print(await makeReport(folder))
    })
  lab
    .command('import')
    .description('Make an experiment of a JMeter plan with one thread group and one HTTP request.')
    .argument('<plan>', 'a .jmx file; the experiment is printed')
    .addHelpText('after', '\nExample:\n  headgate lab import plan.jmx > plan.yaml')
    .action(async (plan: string) => {
      const { importPlan } = await import('./lab-show.ts')
      print(importPlan(plan))
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
  const { as, scale, seed, json, out, sweep, live, target } = options
  return {
    as: as ?? null,
    scale,
    seed,
    isJson: json === true,
    out,
    sweep: sweep ?? null,
    isLive: live === true || target !== undefined,
    target: target ?? null,
    print,
  }
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
