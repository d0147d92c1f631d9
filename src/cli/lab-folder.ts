// The folder that a run leaves.

import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { makeFolder as makeFolders } from '../host/node/index.ts'
import {
  aggregateCsv,
  aggregateOf,
  chartsOf,
  countersJson,
  jtlOf,
  pngOf,
  type Run,
  reportPage,
  standaloneSvg,
  statisticsLog,
  timelineCsv,
} from '../lab/index.ts'
import { cannot } from './exit.ts'

/** When a simulated run begins, in its files. */
const VIRTUAL_EPOCH_MS = 1_795_392_000_000
const FONTS = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf']
/** What only those who want pictures install. */
const DRAWING_PACKAGES = ['echarts', '@resvg/resvg-js', 'dejavu-fonts-ttf/package.json']

const { resolve } = createRequire(import.meta.url)

function fontFiles(): string[] {
  return FONTS.map((name) => resolve(`dejavu-fonts-ttf/ttf/${name}`))
}

/** How to get the pictures; null when they can be drawn. */
export function missingPictures(): string | null {
  try {
    for (const name of DRAWING_PACKAGES) resolve(name)
    return null
  } catch {
    return 'no pictures; for them: npm install echarts @resvg/resvg-js dejavu-fonts-ttf'
  }
}

/** Makes the folder before hours of work find that they cannot. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder)
  } catch (error) {
    throw cannot(`Results cannot be written to ${folder}`, error)
  }
}

/** Every file of one run. `startedAtMs`: its beginning, where it had a real one. */
export async function writeRun(folder: string, run: Run, startedAtMs?: number): Promise<void> {
  await makeFolder(folder)
  const epochMs = startedAtMs ?? VIRTUAL_EPOCH_MS
  const write = (name: string, content: string | Buffer) =>
    writeFileSync(join(folder, name), content)
  const jtl = openSync(join(folder, 'samples.jtl'), 'w')
  try {
    for (const chunk of jtlOf(run, epochMs)) writeSync(jtl, chunk)
  } finally {
    closeSync(jtl)
  }
  write('aggregate.csv', aggregateCsv(aggregateOf(run)))
  write('timeline.csv', timelineCsv(run))
  write('counters.json', countersJson(run))
  write('statistics.log', statisticsLog(run, epochMs))
  write('experiment.json', `${JSON.stringify(run.experiment, null, 2)}\n`)
  if (missingPictures() === null) {
    const [responseTime] = await chartsOf(run)
    const svg = standaloneSvg(responseTime!)
    write('response-time.svg', svg)
    write('response-time.png', await pngOf(svg, fontFiles()))
  }
  await writeReport(folder, [run], run.title)
}

/** One report of one run, or of several beside each other. */
export async function writeReport(
  folder: string,
  runs: readonly Run[],
  heading: string,
): Promise<void> {
  await makeFolder(folder)
  const page = await reportPage(runs, { heading, hasPictures: missingPictures() === null })
  writeFileSync(join(folder, 'report.html'), page)
}
