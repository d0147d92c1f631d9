// Everything about this repository that a program can check: `npm run tidy`.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkAmbient } from './tidy/ambient.ts'
import { checkBorders } from './tidy/borders.ts'
import { checkDependencies, checkLock } from './tidy/dependencies.ts'
import { checkDoors } from './tidy/doors.ts'
import {
  checkMachinePaths,
  checkReminders,
  checkSwitchedOffTests,
  machineFolders,
} from './tidy/leftovers.ts'
import { checkLinks } from './tidy/links.ts'
import { checkPages, madePages } from './tidy/made-pages.ts'
import type { Problem, SourceFile } from './tidy/problem.ts'
import { checkLint, checkTypes } from './tidy/programs.ts'
import { checkSizes } from './tidy/sizes.ts'

const HELP = `Usage: npm run tidy

Types, lint and format, borders between rooms, ambient time and chance, sizes, dependencies,
leftovers. Lists every problem as FILE:LINE. "npm run format" repairs what biome can.

Exit code: 0 nothing found, 1 problems, 2 wrong usage.
`

interface Check {
  readonly name: string
  readonly run: (root: string, files: readonly SourceFile[]) => Problem[] | Promise<Problem[]>
}

const CHECKS: readonly Check[] = [
  { name: 'types', run: (root) => checkTypes(root) },
  { name: 'lint and format', run: (root) => checkLint(root) },
  { name: 'borders', run: (_, files) => checkBorders(files) },
  { name: 'doors', run: (_, files) => checkDoors(files) },
  { name: 'ambient', run: (_, files) => checkAmbient(files) },
  { name: 'sizes', run: (_, files) => checkSizes(files) },
  { name: 'dependencies', run: (_, files) => checkDependencies(files) },
  { name: 'lock file', run: (_, files) => checkLock(files) },
  { name: 'made pages', run: (_, files) => checkPages(files, madePages()) },
  { name: 'links', run: (_, files) => checkLinks(files) },
  { name: 'reminders', run: (_, files) => checkReminders(files) },
  { name: 'switched-off tests', run: (_, files) => checkSwitchedOffTests(files) },
  {
    name: 'machine paths',
    run: (root, files) => checkMachinePaths(files, machineFolders(root)),
  },
]

/** What git tracks or would track, without what is no text. */
function readFiles(root: string): SourceFile[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const names = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0')
  return names
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}

async function tidy(root: string): Promise<number> {
  const files = readFiles(root)
  let count = 0
  const results = CHECKS.map(async ({ name, run }) => ({ name, problems: await run(root, files) }))
  for (const { name, problems } of await Promise.all(results)) {
    console.log(problems.length === 0 ? `✔ ${name}` : `✖ ${name}: ${problems.length}`)
    for (const { path, line, message } of problems) {
      console.log(`  ${line === 0 ? path : `${path}:${line}`}  ${message}`)
    }
    count += problems.length
  }
  console.log(`\n${files.length} files, ${count} ${count === 1 ? 'problem' : 'problems'}`)
  return count === 0 ? 0 : 1
}

const args = process.argv.slice(2)
if (args.includes('--help')) process.stdout.write(HELP)
else if (args.length > 0) {
  process.stderr.write(`tidy takes no arguments\n\n${HELP}`)
  process.exitCode = 2
} else process.exitCode = await tidy(process.cwd())
