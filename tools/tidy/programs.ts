// The checks that are other people's programs: the compiler's types, biome's lint and format.

import { execFile } from 'node:child_process'
import { join, relative } from 'node:path'
import type { Problem } from './problem.ts'

const OUTPUT_MAX_BYTES = 64 * 1024 * 1024

export async function checkTypes(root: string): Promise<Problem[]> {
  const { code, output } = await run(root, 'tsc', ['-p', '.', '--pretty', 'false'])
  return orSilence(parseTsc(output), { program: 'tsc', code, output })
}

export async function checkLint(root: string, more: readonly string[] = []): Promise<Problem[]> {
  const flags = ['check', '--error-on-warnings', '--max-diagnostics=none', '--reporter=github']
  const { code, output } = await run(root, 'biome', [...flags, ...more, '.'])
  return orSilence(parseBiome(root, output), { program: 'biome', code, output })
}

/** `src/a.ts(3,7): error TS2304: …` and the lines that belong to it. */
export function parseTsc(output: string): Problem[] {
  const problems: Problem[] = []
  for (const line of output.split('\n')) {
    const found = /^(.+?)\((\d+),\d+\): (?:error|warning) (.*)$/.exec(line)
    if (found === null) continue
    problems.push({ path: found[1]!, line: Number(found[2]), message: found[3]! })
  }
  return problems
}

/** `::error title=lint/…,file=src/a.ts,line=3,endLine=3,col=7,endColumn=9::Message` */
export function parseBiome(root: string, output: string): Problem[] {
  const problems: Problem[] = []
  for (const line of output.split('\n')) {
    const found = /^::(?:error|warning|notice) (.*?)::(.*)$/.exec(line)
    if (found === null) continue
    const fields = new Map(found[1]!.split(',').map((pair) => pair.split('=') as [string, string]))
    const file = fields.get('file') ?? ''
    const path = file.startsWith('/') ? relative(root, file) : file
    const message = `${fields.get('title') ?? 'biome'}: ${found[2]}`
    problems.push({ path, line: Number(fields.get('line') ?? 0), message })
  }
  return problems
}

interface Ended {
  readonly program: string
  readonly code: number
  readonly output: string
}

/** A program that fails without naming a place is a problem too. */
function orSilence(problems: Problem[], { program, code, output }: Ended): Problem[] {
  if (code === 0 || problems.length > 0) return problems
  const message = `${program} ended with ${code}: ${output.trim().slice(0, 2_000)}`
  return [{ path: program, line: 0, message }]
}

function run(root: string, program: string, args: readonly string[]): Promise<Ended> {
  const path = join(root, 'node_modules/.bin', program)
  return new Promise((resolve) => {
    const options = { cwd: root, maxBuffer: OUTPUT_MAX_BYTES }
    execFile(path, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      const output = `${stdout}\n${code === 0 ? '' : stderr || (error?.message ?? '')}`
      resolve({ program, code, output })
    })
  })
}
