// What a file imports, and which names of it.

import { dirname, join } from 'node:path/posix'
import type { SourceFile } from './problem.ts'
import { type Token, tokensOf } from './tokens.ts'

export interface Import {
  /** As written: `./door.ts`, `node:crypto`, `zod`. */
  readonly specifier: string
  /** For a relative specifier, the path from the repository's root; else null. */
  readonly target: string | null
  /** The names between braces; `*` for everything, also for `import('…')`. */
  readonly names: readonly string[]
  /** Gone when the program runs. */
  readonly isTypeOnly: boolean
  readonly isExport: boolean
  readonly line: number
}

export function importsOf(file: SourceFile): Import[] {
  const tokens = tokensOf(file.text)
  const found: Import[] = []
  for (let i = 0; i < tokens.length; i++) {
    const { kind, text } = tokens[i]!
    if (kind !== 'name' || (text !== 'import' && text !== 'export')) continue
    if (tokens[i - 1]?.text === '.') continue
    const statement = text === 'import' ? importAt(tokens, i) : exportAt(tokens, i)
    if (statement !== null) found.push(resolved(file.path, statement))
  }
  return found
}

type Statement = Omit<Import, 'target'>

function importAt(tokens: readonly Token[], at: number): Statement | null {
  const { line } = tokens[at]!
  const next = tokens[at + 1]
  const common = { isTypeOnly: false, isExport: false, line }
  if (next?.kind === 'string') return { ...common, specifier: next.text, names: [] }
  if (next?.text === '(') {
    const argument = tokens[at + 2]
    if (argument?.kind !== 'string') return { ...common, specifier: '(computed)', names: ['*'] }
    return { ...common, specifier: argument.text, names: ['*'] }
  }
  if (next?.text === '.') return null // import.meta
  return clauseAt(tokens, at, false)
}

function exportAt(tokens: readonly Token[], at: number): Statement | null {
  const next = tokens[at + 1]?.text === 'type' ? tokens[at + 2] : tokens[at + 1]
  return next?.text === '{' || next?.text === '*' ? clauseAt(tokens, at, true) : null
}

/** `import|export [type] NAMES from '…'`; null for an export that takes from nowhere. */
function clauseAt(tokens: readonly Token[], at: number, isExport: boolean): Statement | null {
  const isTypeOnly = tokens[at + 1]?.text === 'type' && tokens[at + 2]?.text !== 'from'
  const names: string[] = []
  let isInBraces = false
  let areAllTypes = true
  for (let i = at + 1; i < tokens.length; i++) {
    const { kind, text, line } = tokens[i]!
    if (text === '{') isInBraces = true
    else if (text === '}') {
      isInBraces = false
      if (isExport && tokens[i + 1]?.text !== 'from') return null
    } else if (text === '*' || isDefaultName(tokens, i, at, isInBraces)) names.push('*')
    else if (isInBraces && (tokens[i - 1]?.text === '{' || tokens[i - 1]?.text === ',')) {
      const isType = text === 'type' && tokens[i + 1]?.kind === 'name'
      if (!isType) areAllTypes = false
      names.push(isType ? tokens[i + 1]!.text : text)
    } else if (kind === 'string' && tokens[i - 1]?.text === 'from') {
      const isErased = isTypeOnly || (areAllTypes && names.length > 0 && !names.includes('*'))
      return { specifier: text, names, isTypeOnly: isErased, isExport, line }
    }
  }
  return null
}

/** `import name …`: a module of Node gives everything under it. */
function isDefaultName(
  tokens: readonly Token[],
  at: number,
  start: number,
  isInBraces: boolean,
): boolean {
  if (isInBraces || at !== start + 1 || tokens[at]!.kind !== 'name') return false
  const after = tokens[at + 1]?.text
  return tokens[start]!.text === 'import' && (after === 'from' || after === ',')
}

function resolved(path: string, statement: Statement): Import {
  const isRelative = statement.specifier.startsWith('.')
  return {
    ...statement,
    target: isRelative ? join(dirname(path), statement.specifier) : null,
  }
}
