// Links from one page of the repository to another lead somewhere.

import { dirname, join } from 'node:path/posix'
import type { Problem, SourceFile } from './problem.ts'

const LINK = /\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g

export function checkLinks(files: readonly SourceFile[]): Problem[] {
  const paths = new Set(files.map(({ path }) => path))
  const problems: Problem[] = []
  for (const { path, text } of files) {
    if (!path.endsWith('.md')) continue
    for (const [index, line] of text.split('\n').entries()) {
      for (const [, link] of line.matchAll(LINK)) {
        const target = join(dirname(path), link!)
        const isFolder = files.some((file) => file.path.startsWith(`${target.replace(/\/$/, '')}/`))
        if (paths.has(target) || isFolder) continue
        problems.push({ path, line: index + 1, message: `there is no ${target}` })
      }
    }
  }
  return problems
}
