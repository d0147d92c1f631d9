// headgate lab report: the report of a folder, made anew from its files; or of JMeter's samples.

import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  type Counters,
  type Experiment,
  FileError,
  JtlReader,
  type Run,
  readExperiment,
  Samples,
  secondsFromSamples,
  secondsOf,
  statisticsOf,
} from '../lab/index.ts'
import { cannot, usageError } from './exit.ts'
import { writeReport } from './lab-folder.ts'

/** Resolves with the path of the report. */
export async function makeReport(folderOrFile: string): Promise<string> {
  const { folder } = placeOf(folderOrFile)
  const run = await readFolder(folderOrFile)
  await writeReport(folder, [run], run.title)
  return join(folder, 'report.html')
}

/** Whether a run left its files there. */
export function isRunFolder(path: string): boolean {
  return existsSync(join(path, SAMPLES))
}

/** The run that left a folder, or as much of it as a JTL file knows. */
export async function readFolder(folderOrFile: string): Promise<Run> {
  const { folder, jtl, isFolder } = placeOf(folderOrFile)
  try {
    return await readRun(folder, jtl, isFolder)
  } catch (error) {
    if (error instanceof FileError) throw usageError(`${jtl}: ${error.message}`)
    if (error instanceof SyntaxError) throw cannot(`The files of ${folder} cannot be read`, error)
    throw error
  }
}

const SAMPLES = 'samples.jtl'

function placeOf(folderOrFile: string) {
  if (!existsSync(folderOrFile)) throw usageError(`There is no folder or file ${folderOrFile}.`)
  const isFolder = statSync(folderOrFile).isDirectory()
  const folder = isFolder ? folderOrFile : dirname(folderOrFile)
  const jtl = isFolder ? join(folder, SAMPLES) : folderOrFile
  if (!existsSync(jtl)) throw usageError(`There is no ${SAMPLES} in ${folder}.`)
  return { folder, jtl, isFolder }
}

interface Said {
  readonly title: string
  readonly kind: Run['kind']
  readonly seed: number
  readonly scale: number
  readonly isCutShort: boolean
  readonly loadEndMs: number
  readonly endMs: number
  readonly counters: Counters | null
  readonly warnings: readonly string[]
}

async function readRun(folder: string, jtl: string, isWhole: boolean): Promise<Run> {
  const samples = new Samples()
  const reader = new JtlReader(samples)
  for await (const line of createInterface({ input: createReadStream(jtl) })) reader.line(line)
  const textOf = (name: string) => {
    const path = join(folder, name)
    return isWhole && existsSync(path) ? readFileSync(path, 'utf8') : null
  }
  const timeline = textOf('timeline.csv')
  const seconds = timeline === null ? secondsFromSamples(samples) : secondsOf(timeline)
  const experiment = textOf('experiment.json')
  const said = textOf('counters.json')
  const name = basename(isWhole ? folder : jtl).replace(/\.\w+$/, '')
  return {
    ...(said === null ? unsaid(name, seconds.length * 1000) : (JSON.parse(said) as Said)),
    experiment: experiment === null ? nameless() : (JSON.parse(experiment) as Experiment),
    samples,
    seconds,
    statistics: statisticsOf(textOf('statistics.log') ?? ''),
  }
}

function unsaid(title: string, endMs: number): Said {
  const none = { isCutShort: false, counters: null, warnings: [] }
  return { title, kind: 'live', seed: 0, scale: 1, loadEndMs: endMs, endMs, ...none }
}

/** Whose samples they are nobody says. */
function nameless(): Experiment {
  return readExperiment({ name: 'samples.yaml', text: 'name: samples' })
}
