// headgate lab list and import: what there is, and what becomes of other people's plans.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Experiment, hasBackPressure, importJmx, JmxError } from '../lab/index.ts'
import { cannot, usageError } from './exit.ts'
import { experimentNames, openExperiment } from './lab-catalogue.ts'

export function listing(isJson: boolean): string {
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
      const shape = `${shapeOf(load)}, ${pressure}`
      const saw = figures.length === 0 ? (log?.saw ?? 'not of the log') : figures.join(', ')
      return `${name}\n  ${says}\n  ${shape}\n  log: ${saw}`
    })
    .join('\n\n')
}

export function importPlan(path: string): string {
  const name = basename(path)
    .replace(/\.\w+$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
  try {
    return importJmx(readFileSync(path, 'utf8'), name).yaml.trimEnd()
  } catch (error) {
    if (error instanceof JmxError) throw usageError(`${path} cannot be imported: ${error.message}.`)
    throw cannot(`The plan ${path} cannot be read`, error)
  }
}

function shapeOf({ loop, threads, rampUpMs, loops, steps, arrivals }: Experiment['load']): string {
  if (loop === 'closed')
    return `${threads} threads within ${rampUpMs / 1000} s, ${loops} loops each`
  const rates = steps.map(({ ratePerSecond, forMs }) => `${ratePerSecond}/s for ${forMs / 1000} s`)
  return `${arrivals} arrivals, ${rates.join(', ')}`
}
