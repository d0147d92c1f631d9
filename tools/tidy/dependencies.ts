// Every dependency has its row in docs/dependencies.md and the other way round; versions are
// exact; src/ imports the dependencies, all of them and no others; the lock file names no
// registry's host.

import { packageOf } from './borders.ts'
import { importsOf } from './imports.ts'
import type { Problem, SourceFile } from './problem.ts'

const MANIFEST = 'package.json'
const LOCK = 'package-lock.json'
const TABLE = 'docs/dependencies.md'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  /** Brought by those who want what needs them. */
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export function checkDependencies(files: readonly SourceFile[]): Problem[] {
  const manifest = textOf(files, MANIFEST)
  const table = textOf(files, TABLE)
  const {
    dependencies = {},
    peerDependencies = {},
    devDependencies = {},
  } = JSON.parse(manifest || '{}') as Manifest
  const versions = new Map(Object.entries({ ...dependencies, ...devDependencies }))
  const rows = rowsOf(table)
  const problems: Problem[] = []
  for (const [name, version] of versions) {
    const line = lineOf(manifest, `"${name}":`)
    if (!rows.has(name)) {
      problems.push({ path: MANIFEST, line, message: `${name} has no row in ${TABLE}` })
    }
    if (!/^\d+\.\d+\.\d+$/.test(version)) {
      problems.push({ path: MANIFEST, line, message: `${name}: ${version} is no exact version` })
    }
  }
  for (const [name, line] of rows) {
    if (versions.has(name)) continue
    problems.push({ path: TABLE, line, message: `${name} is not in ${MANIFEST}` })
  }
  return [
    ...problems,
    ...checkUse(files, manifest, Object.keys({ ...dependencies, ...peerDependencies })),
  ]
}

/** What is published must find what it imports, and bring nothing that it does not. */
function checkUse(
  files: readonly SourceFile[],
  manifest: string,
  dependencies: readonly string[],
): Problem[] {
  const problems: Problem[] = []
  const used = new Set<string>()
  for (const file of files) {
    if (!file.path.startsWith('src/') || !file.path.endsWith('.ts')) continue
    for (const { specifier, target, line } of importsOf(file)) {
      if (target !== null || specifier.startsWith('node:')) continue
      const name = packageOf(specifier)
      used.add(name)
      if (dependencies.includes(name)) continue
      const message = `${name} is not among the dependencies of ${MANIFEST}`
      problems.push({ path: file.path, line, message })
    }
  }
  const isNamed = (name: string) =>
    files.some(({ path, text }) => path.startsWith('src/') && text.includes(`${name}/`))
  for (const name of dependencies) {
    // Files of a package, such as a typeface, are named and not imported.
    if (used.has(name) || isNamed(name)) continue
    const line = lineOf(manifest, `"${name}":`)
    problems.push({ path: MANIFEST, line, message: `nothing in src/ imports ${name}` })
  }
  return problems
}

export function checkLock(files: readonly SourceFile[]): Problem[] {
  const lines = textOf(files, LOCK).split('\n')
  return lines.flatMap((text, index) =>
    /"resolved": "(?!file:)\w+:/.test(text)
      ? [{ path: LOCK, line: index + 1, message: 'the address of a registry' }]
      : [],
  )
}

/** The tables' rows that begin with a package's name in backticks, with their lines. */
function rowsOf(table: string): Map<string, number> {
  const rows = new Map<string, number>()
  for (const [index, text] of table.split('\n').entries()) {
    const name = /^\| `([^`]+)` \|/.exec(text)?.[1]
    if (name !== undefined) rows.set(name, index + 1)
  }
  return rows
}

function textOf(files: readonly SourceFile[], path: string): string {
  return files.find((file) => file.path === path)?.text ?? ''
}

function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split('\n').length
}
