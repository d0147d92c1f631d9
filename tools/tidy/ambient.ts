// The ban on ambient time, chance and input/output: logic asks the host. What slips through here
// makes the simulated world lie. Global names (`Date`, `process`, …) are refused by biome, which
// knows what a file declares itself; this looks at the rest: members, Node's modules, and whether
// biome's refusal was silenced.

import { importsOf } from './imports.ts'
import type { Problem, SourceFile } from './problem.ts'
import { type Token, tokensOf } from './tokens.ts'

/** Where the real host is made and used. biome.json names the same folders. */
const ALLOWED_FOLDERS = ['src/host/node/', 'src/cli/']

const BANNED_MEMBERS: ReadonlyMap<string, string> = new Map([
  ['random', 'Math'],
  ['timeout', 'AbortSignal'],
])

/** Methods, on whatever object, that answer by the machine's locale. */
const LOCALE_METHOD = /^(?:toLocale\w*|localeCompare)$/

/** Node's modules that neither wait nor ask the outside; `*` for all of their names. */
const ALLOWED_NODE_NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  ['node:assert', ['*']],
  ['node:assert/strict', ['*']],
  ['node:buffer', ['Buffer', 'constants', 'isAscii', 'isUtf8']],
  ['node:crypto', ['createHash', 'createHmac', 'hash', 'timingSafeEqual']],
  ['node:zlib', ['crc32']],
])

const SILENCED = /biome-ignore\S* lint(?:\/style(?:\/noRestrictedGlobals)?)?(?![/\w])/

export interface Exemption {
  readonly path: string
  /** A module or member as the problem names it, or `biome-ignore`. */
  readonly name: string
  readonly why: string
}

/** What may stay, file by file. An entry that is not needed any more is itself a problem. */
export const EXEMPTIONS: readonly Exemption[] = [
  {
    path: 'src/sim/next-turn.ts',
    name: 'biome-ignore',
    why: 'setImmediate gives promises their turn of the event loop between two events',
  },
  {
    path: 'src/library/user-record-writable.ts',
    name: 'node:stream',
    why: 'a stream for programs of Node: it calls back when it likes, outside of the line',
  },
]

export function checkAmbient(
  files: readonly SourceFile[],
  exemptions: readonly Exemption[] = EXEMPTIONS,
): Problem[] {
  const used = new Set<Exemption>()
  const problems: Problem[] = []
  for (const file of files) {
    if (!file.path.startsWith('src/') || !file.path.endsWith('.ts')) continue
    if (ALLOWED_FOLDERS.some((folder) => file.path.startsWith(folder))) continue
    for (const { name, line, message } of [...members(file), ...modules(file), ...silenced(file)]) {
      const exemption = exemptions.find((one) => one.path === file.path && one.name === name)
      if (exemption === undefined) problems.push({ path: file.path, line, message })
      else used.add(exemption)
    }
  }
  for (const exemption of exemptions) {
    if (used.has(exemption)) continue
    const message = `does not need its exemption for ${exemption.name} (tools/tidy/ambient.ts)`
    problems.push({ path: exemption.path, line: 0, message })
  }
  return problems
}

interface Use {
  readonly name: string
  readonly line: number
  readonly message: string
}

function members(file: SourceFile): Use[] {
  const tokens = tokensOf(file.text)
  const uses: Use[] = []
  for (const [i, { line }] of tokens.entries()) {
    const name = memberAt(tokens, i)
    if (name !== null) uses.push({ name, line, message: `${name} is ambient: ask the host` })
  }
  return uses
}

/** Names that make code out of texts, or wait; biome does not know them. */
const BANNED_NAMES = new Set(['Function', 'eval', 'queueMicrotask', 'Atomics'])

function memberAt(tokens: readonly Token[], at: number): string | null {
  const { kind, text } = tokens[at]!
  const before = tokens[at - 1]?.text
  if (kind !== 'name') return null
  if (before !== '.' && before !== '?.') {
    if (BANNED_NAMES.has(text) && isValue(tokens, at)) return text
    // Only as `Math.name`: taken apart or computed, its members could not be told.
    return text === 'Math' && tokens[at + 1]?.text !== '.' ? text : null
  }
  if (LOCALE_METHOD.test(text)) return text
  const owner = tokens[at - 2]?.text
  return owner !== undefined && BANNED_MEMBERS.get(text) === owner ? `${owner}.${text}` : null
}

/** Not a key of an object, nor in a type. */
function isValue(tokens: readonly Token[], at: number): boolean {
  const after = tokens[at + 1]?.text
  return after === '(' || after === '.' || after === '['
}

function modules(file: SourceFile): Use[] {
  const uses: Use[] = []
  for (const { specifier, names, isTypeOnly, line } of importsOf(file)) {
    if (!specifier.startsWith('node:') || isTypeOnly) continue
    const allowed = ALLOWED_NODE_NAMES.get(specifier) ?? []
    if (allowed[0] === '*') continue
    const refused = names.filter((name) => !allowed.includes(name))
    if (refused.length === 0 && names.length > 0) continue
    const what = allowed.length === 0 ? specifier : `${refused.join(', ')} of ${specifier}`
    uses.push({ name: specifier, line, message: `${what} may not be imported here` })
  }
  return uses
}

function silenced(file: SourceFile): Use[] {
  return file.text.split('\n').flatMap((text, index) => {
    if (!SILENCED.test(text)) return []
    const message = 'silences the ban on ambient globals; say why in tools/tidy/ambient.ts'
    return [{ name: 'biome-ignore', line: index + 1, message }]
  })
}
