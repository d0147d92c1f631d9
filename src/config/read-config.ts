// One YAML file, the environment and the command line into a complete frozen value, or every
// problem at once. Later ones win: defaults, file, environment, command line.

import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { z } from 'zod'
import { type Field, type Fields, isField, type Parsed, type Partly } from './field.ts'
import { nearest } from './nearest.ts'

export interface ConfigSources<F extends Fields> {
  /** The configuration file, if there is one. */
  readonly file?: { readonly name: string; readonly text: string } | null
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What the command line, or a program, says. */
  readonly overrides?: Partly<F>
  /** Where problems say that the overrides stand: `command line` unless told otherwise. */
  readonly overridesFrom?: string
  /** In the place of the defaults. Good values: they are not looked at again. */
  readonly base?: Partly<F>
}

/** One thing that is wrong, said so that it can be mended. */
export interface Problem {
  /** The setting, such as `backpressure.threshold`; empty when the file as a whole is meant. */
  readonly path: string
  /** Where it was said: `headgate.yaml:12`, `environment RATE_LIMIT`, `command line`. */
  readonly where: string
  readonly message: string
}

/** All that is wrong with a configuration. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    super(problems.map(sayProblem).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export function sayProblem({ path, where, message }: Problem): string {
  return `${where}: ${path === '' ? '' : `${path}: `}${message}`
}

/** The complete value. Throws `ConfigError` with every problem. */
export function readConfig<F extends Fields>(fields: F, sources: ConfigSources<F>): Parsed<F> {
  const reader = new Reader(sources)
  const value = reader.section(fields, '')
  if (reader.problems.length > 0) throw new ConfigError(reader.problems)
  return value as Parsed<F>
}

class Reader {
  readonly problems: Problem[] = []
  readonly #env: Readonly<Record<string, string | undefined>>
  readonly #overrides: unknown
  readonly #overridesFrom: string
  readonly #base: unknown
  readonly #file: FileValues

  constructor(sources: ConfigSources<Fields>) {
    this.#env = sources.env ?? {}
    this.#overrides = sources.overrides
    this.#overridesFrom = sources.overridesFrom ?? 'command line'
    this.#base = sources.base
    this.#file = new FileValues(sources.file ?? null, this.problems)
  }

  section(fields: Fields, path: string): object {
    this.#checkNames(fields, path)
    const value: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      const fieldPath = path === '' ? name : `${path}.${name}`
      value[name] = isField(field) ? this.#value(field, fieldPath) : this.section(field, fieldPath)
    }
    return Object.freeze(value)
  }

  #value(field: Field<unknown>, path: string): unknown {
    let value = at(this.#base, path) ?? field.default
    // Each source is looked at, also where a later one wins: what is wrong in a file is wrong on
    // the day on which nothing overrides it, too.
    const found = this.#file.at(path)
    if (found !== undefined) value = this.#parse(field, found, path, this.#file.where(path))
    const text = field.env === null ? undefined : this.#env[field.env]
    // An empty variable is how a shell says "not set".
    if (text !== undefined && text !== '') {
      value = this.#parse(field, field.fromText(text), path, `environment ${field.env}`)
    }
    const override = at(this.#overrides, path)
    if (override === undefined) return value
    const given = typeof override === 'string' ? field.fromText(override) : override
    return this.#parse(field, given, path, this.#overridesFrom)
  }

  #parse(field: Field<unknown>, value: unknown, path: string, where: string): unknown {
    const parsed = field.schema.safeParse(value)
    if (parsed.success) return deepFreeze(parsed.data)
    for (const issue of parsed.error.issues) {
      const inner = issue.path.map((part) =>
        typeof part === 'number' ? `[${part}]` : `.${String(part)}`,
      )
      const isWhole = issue.path.length === 0
      this.problems.push({
        path: path + inner.join(''),
        where: isWhole ? where : this.#file.whereOr(`${path}.${issue.path.join('.')}`, where),
        message: isWhole
          ? `${show(value)} is not allowed; allowed is ${field.allowed}`
          : sayIssue(issue, at(value, issue.path.join('.'))),
      })
    }
    return field.default
  }

  #checkNames(fields: Fields, path: string): void {
    for (const [source, where] of [
      [this.#file.at(path), ''],
      [at(this.#overrides, path), this.#overridesFrom],
    ] as const) {
      if (source === undefined || source === null) continue
      if (typeof source !== 'object' || Array.isArray(source)) {
        const message = `${show(source)} is no section with ${Object.keys(fields).join(', ')}`
        this.problems.push({ path, where: where || this.#file.where(path), message })
        continue
      }
      for (const name of Object.keys(source)) {
        if (Object.hasOwn(fields, name)) continue
        const inner = path === '' ? name : `${path}.${name}`
        const guess = nearest(name, Object.keys(fields))
        const message = `unknown setting${guess === null ? '' : `; did you mean ${guess}?`}`
        this.problems.push({ path: inner, where: where || this.#file.where(inner), message })
      }
    }
  }
}

/** A parsed YAML file that remembers where each value stands. */
class FileValues {
  readonly #name: string
  readonly #value: unknown
  readonly #root: Node | null = null
  readonly #lines = new LineCounter()

  constructor(file: { name: string; text: string } | null, problems: Problem[]) {
    this.#name = file?.name ?? ''
    if (file === null) return
    const document = parseDocument(file.text, { lineCounter: this.#lines, prettyErrors: false })
    for (const error of document.errors) {
      const where = `${file.name}:${this.#lines.linePos(error.pos[0]).line}`
      problems.push({ path: '', where, message: `no YAML: ${error.message}` })
    }
    if (document.errors.length > 0) return
    try {
      this.#value = document.toJS() ?? undefined
      this.#root = document.contents
    } catch (error) {
      // An alias without its anchor, or aliases that would grow without end.
      problems.push({ path: '', where: file.name, message: `no YAML: ${(error as Error).message}` })
    }
  }

  at(path: string): unknown {
    return path === '' ? this.#value : at(this.#value, path)
  }

  where(path: string): string {
    return this.whereOr(path, this.#name)
  }

  /** File and line of a value, or of the nearest thing round it that the file has. */
  whereOr(path: string, otherwise: string): string {
    let node: unknown = this.#root
    let offset: number | null = null
    for (const part of path.split('.')) {
      if (isMap(node)) {
        const pair = node.items.find(
          (item) => isScalar(item.key) && String(item.key.value) === part,
        )
        if (pair === undefined) break
        offset = (pair.key as Node).range?.[0] ?? offset
        node = pair.value
      } else if (node !== null && typeof node === 'object' && 'items' in node) {
        node = (node.items as unknown[])[Number(part)]
        offset = (node as Node | undefined)?.range?.[0] ?? offset
      } else break
    }
    return offset === null ? otherwise : `${this.#name}:${this.#lines.linePos(offset).line}`
  }
}

function at(value: unknown, path: string): unknown {
  let inner = value
  for (const part of path === '' ? [] : path.split('.')) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, part)) return undefined
    inner = (inner as Record<string, unknown>)[part]
  }
  return inner
}

function sayIssue(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === 'unrecognized_keys') return `unknown: ${issue.keys.join(', ')}`
  return found === undefined ? `missing; ${issue.message}` : `${show(found)}: ${issue.message}`
}

function show(value: unknown): string {
  // JSON has no NaN and no Infinity: both would be told as null.
  const shown = (typeof value === 'number' ? null : JSON.stringify(value)) ?? String(value)
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
