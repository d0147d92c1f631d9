// What can be counted of the house style: lines of a file, columns of a line. (The lines of a
// function and the names of files are biome's.)

import type { Problem, SourceFile } from './problem.ts'

const FILE_MAX_LINES = 350
const LINE_MAX_COLUMNS = 100
/** A line of code with a text in it: the formatter breaks what it can, and texts it cannot. */
const TEXT_LINE_MAX_COLUMNS = 160

export function checkSizes(files: readonly SourceFile[]): Problem[] {
  return files.filter(({ path }) => /\.(?:ts|js)$/.test(path)).flatMap(checkFile)
}

function checkFile({ path, text }: SourceFile): Problem[] {
  const problems: Problem[] = []
  const lines = text.replace(/\n$/, '').split('\n')
  if (path.startsWith('src/') && lines.length > FILE_MAX_LINES) {
    const message = `${lines.length} lines, more than ${FILE_MAX_LINES}`
    problems.push({ path, line: 0, message })
  }
  for (const [index, line] of lines.entries()) {
    const columns = [...line].length
    const maxColumns = holdsText(line) ? TEXT_LINE_MAX_COLUMNS : LINE_MAX_COLUMNS
    if (columns <= maxColumns) continue
    const message = `${columns} columns, more than ${maxColumns}`
    problems.push({ path, line: index + 1, message })
  }
  return problems
}

/** Code with a quote in it; not a comment. */
function holdsText(line: string): boolean {
  return /['"`]/.test(line) && !/^\s*(?:\/\/|\/?\*)/.test(line)
}
