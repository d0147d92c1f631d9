// Java's .properties files, as `java.util.Properties.load` reads them: comments, three separators,
// lines that go on, escapes.

export interface Property {
  readonly key: string
  readonly value: string
  /** A `\u` without four hexadecimal digits: Java refuses the whole file for it. */
  readonly isMalformed: boolean
  /** Where it begins, counted from 1. */
  readonly line: number
}

/** A line of the file with those that continue it. */
interface LogicalLine {
  readonly text: string
  readonly line: number
}

/** Every pair of the file, in its order; of a key that is said twice, Java takes the last. */
export function parseProperties(text: string): Property[] {
  return logicalLines(text).map(({ text, line }) => {
    const [key, value] = splitPair(text)
    return { key: unescaped(key), value: unescaped(value), isMalformed: isMalformed(text), line }
  })
}

/** Space, tab and form feed: what Java takes for blank here. */
const LEADING_BLANKS = /^[ \t\f]+/

function logicalLines(text: string): LogicalLine[] {
  const lines = text.split(/\r\n|\n|\r/)
  const found: LogicalLine[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1
    let whole = lines[i]!.replace(LEADING_BLANKS, '')
    // A comment ends with its line, whatever that ends with.
    if (whole === '' || whole[0] === '#' || whole[0] === '!') continue
    while (goesOn(whole)) {
      const next = (lines[++i] ?? '').replace(LEADING_BLANKS, '')
      whole = whole.slice(0, -1) + next
    }
    if (whole !== '') found.push({ text: whole, line })
  }
  return found
}

/** An odd number of backslashes at the end: the last one escapes the line's end. */
function goesOn(line: string): boolean {
  let count = 0
  while (line[line.length - 1 - count] === '\\') count++
  return count % 2 === 1
}

/**
 * The key ends at the first `=`, `:` or blank that is not escaped. Blanks on both sides and one `=`
 * or `:` between them belong to neither.
 */
function splitPair(line: string): [string, string] {
  let end = 0
  while (end < line.length && !/[=: \t\f]/.test(line[end]!)) end += line[end] === '\\' ? 2 : 1
  const value = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
  return [line.slice(0, end), value]
}

function isMalformed(line: string): boolean {
  return /^(?:[^\\]|\\[^u]|\\u[0-9a-fA-F]{4})*\\u(?![0-9a-fA-F]{4})/.test(line)
}

const ESCAPES = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
])

/** `\uXXXX`, `\t` and the like; a backslash before any other character is left out. */
function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex?: string, character?: string) =>
    hex === undefined
      ? (ESCAPES.get(character!) ?? character!)
      : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
