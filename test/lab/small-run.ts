// Experiments for tests: those of the package, shrunk or changed, and runs of them.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Experiment,
  type Overrides,
  type Run,
  readExperiment,
  scaled,
  simulate,
} from '../../src/lab/index.ts'

const FOLDER = fileURLToPath(new URL('../../lab/experiments/', import.meta.url))

export function experimentOf(name: string, overrides: Overrides = {}): Experiment {
  const file = { name: `${name}.yaml`, text: readFileSync(`${FOLDER}${name}.yaml`, 'utf8') }
  return readExperiment(file, overrides)
}

export interface SmallRun {
  readonly scale?: number
  readonly seed?: number
  readonly overrides?: Overrides
}

export function runOf(name: string, { scale = 1, seed = 1, overrides = {} }: SmallRun = {}) {
  return simulated(scaled(experimentOf(name, overrides), scale), seed, scale)
}

export function simulated(experiment: Experiment, seed = 1, scale = 1): Promise<Run> {
  return simulate({ experiment, title: experiment.name, seed, scale })
}
