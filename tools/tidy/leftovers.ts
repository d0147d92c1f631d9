// What is not meant to stay: reminders to oneself, tests that are switched off, and the paths of
// one person's machine.

import { homedir, tmpdir } from 'node:os'
import { dirname } from 'node:path'
import type { Problem, SourceFile } from './problem.ts'
import { tokensOf } from './tokens.ts'

const REMINDER = /\b(?:TO-?DO|FIX-?ME)\b/
const SWITCHES = new Set(['only', 'skip', 'todo'])

export function checkReminders(files: readonly SourceFile[]): Problem[] {
  return files.flatMap(({ path, text }) =>
    linesWith(path, text, REMINDER, (found) => `${found}: do it, or open an issue`),
  )
}

/** `test.only(`, `it.skip(`, `{ skip: … }`: a test that does not run proves nothing. */
export function checkSwitchedOffTests(files: readonly SourceFile[]): Problem[] {
  const problems: Problem[] = []
  for (const { path, text } of files) {
    if (!path.endsWith('.test.ts')) continue
    const tokens = tokensOf(text)
    for (const [i, token] of tokens.entries()) {
      if (token.kind !== 'name' || !SWITCHES.has(token.text)) continue
      const before = tokens[i - 1]?.text
      const after = tokens[i + 1]?.text
      const isCall = before === '.' && after === '('
      const isOption = (before === '{' || before === ',') && after === ':'
      if (!isCall && !isOption) continue
      problems.push({ path, line: token.line, message: `a test is switched by \`${token.text}\`` })
    }
  }
  return problems
}

/** The folders that would betray where this checkout stands: itself, its parent, one's home. */
export function machineFolders(root: string): string[] {
  const folders = [root, dirname(root), homedir()]
  return folders.filter((folder) => folder !== '/' && folder !== tmpdir() && folder !== '/home')
}

export function checkMachinePaths(
  files: readonly SourceFile[],
  folders: readonly string[],
): Problem[] {
  const literal = folders.map((folder) => folder.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  if (literal.length === 0) return []
  const pattern = new RegExp(`(?<![\\w.-])(?:${literal.join('|')})/`)
  return files.flatMap(({ path, text }) =>
    linesWith(path, text, pattern, (found) => `${found} is a path of this machine`),
  )
}

function linesWith(
  path: string,
  text: string,
  pattern: RegExp,
  messageOf: (found: string) => string,
): Problem[] {
  const problems: Problem[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const found = pattern.exec(line)?.[0]
    if (found !== undefined) problems.push({ path, line: index + 1, message: messageOf(found) })
  }
  return problems
}
