// A room's index.ts is its door: public names taken from the room's files, and no code.

import type { Problem, SourceFile } from './problem.ts'
import { tokensOf } from './tokens.ts'

const SIGNS_OF_A_DOOR = new Set(['{', '}', ',', '*', ';'])
const CODE = new Set(['class', 'const', 'enum', 'function', 'import', 'interface', 'let', 'var'])

export function checkDoors(files: readonly SourceFile[]): Problem[] {
  const problems: Problem[] = []
  for (const { path, text } of files) {
    if (!path.startsWith('src/') || !path.endsWith('/index.ts')) continue
    const code = tokensOf(text).find(({ kind, text: word }) =>
      kind === 'sign' ? !SIGNS_OF_A_DOOR.has(word) : kind === 'name' && CODE.has(word),
    )
    if (code === undefined) continue
    const message = `a door only re-exports names: \`${code.text}\` is code`
    problems.push({ path, line: code.line, message })
  }
  return problems
}
