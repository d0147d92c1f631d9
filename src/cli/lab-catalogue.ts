// Where experiments are found: those of the package by name, one's own as a file.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  ConfigError,
  type DocumentedField,
  fieldsOf,
  nearest,
  sayProblem,
} from '../config/index.ts'
import { type Experiment, experimentFields, readExperiment } from '../lab/index.ts'
import { usageError } from './exit.ts'

const FOLDER = fileURLToPath(new URL('../../lab/experiments/', import.meta.url))
/** In the order of the log, which is that of its pages. */
const ORDER = [
  'burst-no-bp',
  'ramp-no-bp',
  'bp-500',
  'bp-5000',
  'bp-10000-25t',
  'bp-10000-50t',
  'counted-no-bp-50t',
  'counted-no-bp-25t',
  'fail-if-throttled',
  'ttl-10s',
  'ttl-10s-buffer-100ms',
  'bp-10000-counted',
  'bp-10000-4shards',
  'bp-10000-4shards-300ms',
  'bp-10000-4shards-300ms-rl100',
]

/** Of the package: the log's in its order, then what else is there. */
export function experimentNames(): string[] {
  const names = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
  const others = names.filter((name) => !ORDER.includes(name)).sort()
  return [...ORDER.filter((name) => names.includes(name)), ...others]
}

export type Override = { readonly path: string; readonly text: string }

/** A name, or a file. Throws `ExitError` (2) with every problem of the file. */
export function openExperiment(nameOrFile: string, overrides: readonly Override[]): Experiment {
  const isFile = /\.ya?ml$/.test(nameOrFile)
  const path = isFile ? nameOrFile : `${FOLDER}${nameOrFile}.yaml`
  if (!existsSync(path)) throw usageError(unknown(nameOrFile, isFile))
  try {
    const text = readFileSync(path, 'utf8')
    return readExperiment({ name: isFile ? path : `${nameOrFile}.yaml`, text }, nested(overrides))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const lines = error.problems.map((problem) => `  ${sayProblem(problem)}`)
    throw usageError(`The experiment ${nameOrFile} cannot be run:\n${lines.join('\n')}`)
  }
}

function unknown(name: string, isFile: boolean): string {
  if (isFile) return `There is no file ${name}.`
  const guess = nearest(name, experimentNames())
  const hint = guess === null ? '"headgate lab list" lists them' : `did you mean ${guess}?`
  return `There is no experiment ${name}; ${hint}`
}

/** Sections that may be left out: `backpressure.threshold` is the gateway's. */
const SECTIONS = ['', 'gateway.', 'producer.', 'load.', 'world.', 'payload.']

/** The whole path of a setting. Throws `ExitError` (2) when there is none. */
export function settingPath(name: string): string {
  const known = fieldsOf(experimentFields).map(({ path }: DocumentedField) => path)
  for (const section of SECTIONS) if (known.includes(section + name)) return section + name
  const guess = nearest(name, [...known, ...known.map((path) => path.replace(/^\w+\./, ''))])
  throw usageError(`There is no setting ${name}${guess === null ? '' : `; did you mean ${guess}?`}`)
}

/** `a.b` and a text to `{ a: { b: text } }`, whose texts the table of settings reads. */
export function nested(overrides: readonly Override[]): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const { path, text } of overrides) {
    const parts = path.split('.')
    const last = parts.pop()!
    let section = root
    for (const part of parts) {
      section[part] ??= {}
      section = section[part] as Record<string, unknown>
    }
    section[last] = text
  }
  return root
}
