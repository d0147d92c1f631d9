import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { checkAmbient } from '../../tools/tidy/ambient.ts'
import { checkBorders } from '../../tools/tidy/borders.ts'
import { checkDependencies, checkLock } from '../../tools/tidy/dependencies.ts'
import { checkDoors } from '../../tools/tidy/doors.ts'
import { importsOf } from '../../tools/tidy/imports.ts'
import {
  checkMachinePaths,
  checkReminders,
  checkSwitchedOffTests,
} from '../../tools/tidy/leftovers.ts'
import { checkLinks } from '../../tools/tidy/links.ts'
import { checkPages } from '../../tools/tidy/made-pages.ts'
import type { Problem, SourceFile } from '../../tools/tidy/problem.ts'
import { checkLint, checkTypes, parseBiome, parseTsc } from '../../tools/tidy/programs.ts'
import { checkSizes } from '../../tools/tidy/sizes.ts'
import { tokensOf } from '../../tools/tidy/tokens.ts'

/** The repository's root: tests run there. */
const ROOT = resolve('.')

function filesOf(texts: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(texts).map(([path, text]) => ({ path, text }))
}

/** The problems, one line each, as they would be printed. */
function printed(problems: readonly Problem[]): string[] {
  return problems.map(({ path, line, message }) => `${path}:${line} ${message}`)
}

/** Runs `look` in a folder with the repository's settings and these files. */
async function inFolder<T>(
  texts: Readonly<Record<string, string>>,
  look: (root: string) => Promise<T>,
): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'headgate-tidy-'))
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
    for (const [path, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return await look(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

test('names in comments, strings and regular expressions are not code', () => {
  const text = [
    '// process',
    "const a = 'process' /* process */",
    `const b = /process"/.test(a) ? 1 / 2 : \`process \${ inner({ x: \`in \${deeper}\` }) } process\``,
    'outer',
  ].join('\n')

  const names = tokensOf(text).filter(({ kind }) => kind === 'name')

  const words = names.map((token) => token.text)
  assert.deepEqual(words, [
    'const',
    'a',
    'const',
    'b',
    'test',
    'a',
    'inner',
    'x',
    'deeper',
    'outer',
  ])
  assert.equal(names.at(-1)!.line, 4)
})

test('every form of import is seen, with its names and whether it remains at run time', () => {
  const text = `
    import assert from 'node:assert'
    import type { A } from './a.ts'
    import { type B, c as d } from "./deeper/b.ts"
    import { type E } from './e.ts'
    import * as all from '../up.ts'
    import './effect.ts'
    export { f, type G } from './f.ts'
    export * from './g.ts'
    export type { H } from './h.ts'
    export { local }
    const late = await import('./late.ts')
    const where = import.meta.url
    const field = { import: 1 }.import
  `

  const found = importsOf({ path: 'src/room/file.ts', text })

  assert.deepEqual(
    found.map((one) => [one.target ?? one.specifier, one.names.join(' '), one.isTypeOnly]),
    [
      ['node:assert', '*', false],
      ['src/room/a.ts', 'A', true],
      ['src/room/deeper/b.ts', 'B c', false],
      ['src/room/e.ts', 'E', true],
      ['src/up.ts', '*', false],
      ['src/room/effect.ts', '', false],
      ['src/room/f.ts', 'f G', false],
      ['src/room/g.ts', '*', false],
      ['src/room/h.ts', 'H', true],
      ['src/room/late.ts', '*', false],
    ],
  )
})

test('a room may use only the rooms that the plan allows, and only through the door', () => {
  const files = filesOf({
    'src/producer/index.ts': '',
    'src/producer/line.ts': [
      "import { Shard } from '../kinesis/index.ts'",
      "import { encode } from '../wire/encode.ts'",
      "import { hashKeyOf } from '../wire/index.ts'",
      "import { gone } from './gone.ts'",
      "import zod from 'zod'",
      "import { Line } from './index.ts'",
      "import { help } from '../../test/help.ts'",
    ].join('\n'),
    'src/kinesis/index.ts': '',
    'src/wire/index.ts': '',
    'src/wire/encode.ts': '',
    'src/attic/box.ts': '',
    'test/help.ts': '',
  })

  assert.deepEqual(printed(checkBorders(files)), [
    'src/producer/line.ts:1 room producer may not import room kinesis',
    'src/producer/line.ts:2 only through the door: src/wire/index.ts',
    'src/producer/line.ts:4 there is no src/producer/gone.ts',
    'src/producer/line.ts:5 room producer may not import package zod',
    'src/producer/line.ts:6 inside a room import the file, not its door',
    'src/producer/line.ts:7 src/ may not import test/help.ts',
    'src/attic/box.ts:0 src/attic/ is no room we know',
  ])
})

test('the real host is imported by those who build it, through its own door', () => {
  const files = filesOf({
    'src/host/index.ts': "export { NodeClock } from './node/index.ts'",
    'src/host/node/index.ts': '',
    'src/host/node/node-clock.ts': "import { x } from '../clock.ts'\nimport os from 'undici'",
    'src/host/clock.ts': '',
    'src/gateway/index.ts': "import { NodeClock } from '../host/node/index.ts'",
    'src/cli/serve.ts': "import { NodeClock } from '../host/node/index.ts'",
  })

  assert.deepEqual(printed(checkBorders(files)), [
    'src/host/index.ts:1 the real host is for cli/, library/ and the like',
    'src/gateway/index.ts:1 only through the door: src/host/index.ts',
  ])
})

test('a circle of imports is named once, a circle of types is none', () => {
  const files = filesOf({
    'src/record/a.ts': "import { b } from './b.ts'",
    'src/record/b.ts': "import { c } from './c.ts'",
    'src/record/c.ts': "import { a } from './a.ts'\nimport type { B } from './b.ts'",
  })

  assert.deepEqual(printed(checkBorders(files)), [
    'src/record/c.ts:1 circle: src/record/a.ts → src/record/b.ts → src/record/c.ts → src/record/a.ts',
  ])
})

test('ambient members and modules are refused in rooms of logic', () => {
  const text = [
    "import { createHash, randomUUID } from 'node:crypto'",
    "import { readFile } from 'node:fs/promises'",
    "import 'node:timers'",
    "import type { Socket } from 'node:net'",
    'const a = Math.random() + this.random()',
    'const b = AbortSignal.timeout(3)',
    "const c = names.sort((x, y) => x.localeCompare(y)) // 'Math.random'",
    '// biome-ignore lint/style/noRestrictedGlobals: I want it',
    '// biome-ignore lint/suspicious/noDebugger: not our business',
  ].join('\n')

  const inRoom = checkAmbient([{ path: 'src/producer/line.ts', text }], [])
  const inHost = checkAmbient([{ path: 'src/host/node/line.ts', text }], [])

  assert.deepEqual(
    inRoom.map(({ line }) => line),
    [5, 6, 7, 1, 2, 3, 8],
  )
  assert.deepEqual(inHost, [])
})

test('what is ambient is found however it is written', () => {
  const texts = [
    "Math['random']()",
    'const { random } = Math',
    'const m = Math',
    "import c, { createHash } from 'node:crypto'",
    "import * as c from 'node:crypto'",
    "new Function('return Date.now()')()",
    'queueMicrotask(run)',
    'Atomics.wait(cells, 0, 0, 10)',
  ]
  for (const text of texts) {
    assert.equal(checkAmbient([{ path: 'src/producer/a.ts', text }], []).length, 1, text)
  }
  const fine = "const a = Math.max(1, 2)\nimport assert from 'node:assert'\ntype F = Function"
  assert.deepEqual(checkAmbient([{ path: 'src/producer/a.ts', text: fine }], []), [])
})

test('the line to Kinesis can have no process and no thread beside its own', () => {
  for (const name of ['child_process', 'cluster', 'worker_threads']) {
    for (const path of ['src/producer/a.ts', 'src/library/a.ts']) {
      const text = `import * as apart from 'node:${name}'`
      const [problem, ...others] = checkAmbient([{ path, text }], [])
      assert.equal(problem?.message, `node:${name} may not be imported here`)
      assert.deepEqual(others, [])
    }
  }
})

test('an exemption holds for one name in one file, and must be needed', () => {
  const files = [
    { path: 'src/a/x.ts', text: 'Math.random()\nAbortSignal.timeout(1)' },
    { path: 'src/a/y.ts', text: 'Math.random()' },
  ]
  const exemptions = [
    { path: 'src/a/x.ts', name: 'Math.random', why: 'a test' },
    { path: 'src/a/z.ts', name: 'Math.random', why: 'a test' },
  ]

  assert.deepEqual(printed(checkAmbient(files, exemptions)), [
    'src/a/x.ts:2 AbortSignal.timeout is ambient: ask the host',
    'src/a/y.ts:1 Math.random is ambient: ask the host',
    'src/a/z.ts:0 does not need its exemption for Math.random (tools/tidy/ambient.ts)',
  ])
})

test('biome refuses ambient globals in logic, long functions, default exports and bad names', async () => {
  const lines = Array.from({ length: 61 }, (_, i) => `  use(${i})\n`).join('')
  const texts = {
    'biome.json': (await import('node:fs')).readFileSync(join(ROOT, 'biome.json'), 'utf8'),
    'src/producer/a.ts': 'export const now = () => Date.now()\n',
    'src/producer/b.ts': 'export const own = (process: number) => process + 1\n',
    'src/host/node/c.ts': 'export const now = () => Date.now()\n',
    'src/wire/d.ts': `export function long(use: (i: number) => void) {\n${lines}}\n`,
    'src/wire/e.ts': 'export default 1\n',
    'src/wire/camelCase.ts': 'export const x = 1\n',
    'src/wire/f.ts': 'export const unformatted   = 1\n',
  }

  const problems = await inFolder(texts, (root) => checkLint(root, ['--vcs-enabled=false']))

  const found = problems.map(({ path, message }) => `${path} ${message.split(':')[0]}`)
  assert.deepEqual(found.sort(), [
    'src/producer/a.ts lint/style/noRestrictedGlobals',
    'src/wire/camelCase.ts lint/style/useFilenamingConvention',
    'src/wire/d.ts lint/complexity/noExcessiveLinesPerFunction',
    'src/wire/e.ts lint/style/noDefaultExport',
    'src/wire/f.ts format',
  ])
})

test('a wrong type is found with its line, and a compiler that cannot start is no success', async () => {
  const tsconfig = '{"compilerOptions":{"strict":true,"noEmit":true,"types":[]},"include":["src"]}'
  const texts = { 'tsconfig.json': tsconfig, 'src/a.ts': "\nexport const a: number = 'b'\n" }

  const problems = await inFolder(texts, checkTypes)
  const unable = await inFolder({ 'tsconfig.json': '{"include":["nowhere"]}' }, checkTypes)

  assert.equal(problems.length, 1)
  assert.deepEqual([problems[0]!.path, problems[0]!.line], ['src/a.ts', 2])
  assert.match(problems[0]!.message, /^TS2322: /)
  assert.equal(unable.length, 1)
})

test('what the programs print becomes problems', () => {
  assert.deepEqual(parseTsc('src/a.ts(3,7): error TS1: Bad\n  and more\n'), [
    { path: 'src/a.ts', line: 3, message: 'TS1: Bad' },
  ])
  const line = '::error title=lint/x,file=/r/src/a.ts,line=4,endLine=4,col=1,endColumn=2::No: this'
  assert.deepEqual(parseBiome('/r', line), [
    { path: 'src/a.ts', line: 4, message: 'lint/x: No: this' },
  ])
})

test('a source file has at most 350 lines, a line at most 100 columns', () => {
  const files = filesOf({
    'src/a/fits.ts': 'x\n'.repeat(350),
    'src/a/long.ts': 'x\n'.repeat(351),
    'test/long.ts': 'x\n'.repeat(351),
    'tools/wide.ts': `${'é'.repeat(100)}\n${'é'.repeat(101)}\n`,
    'tools/text.ts': `x('${'é'.repeat(156)}'\nx('${'é'.repeat(157)}'\n`,
    'tools/comment.ts': `// it's ${'x'.repeat(92)}\n/** it's ${'x'.repeat(92)} */\n`,
    'docs/wide.md': 'x'.repeat(200),
  })

  assert.deepEqual(printed(checkSizes(files)), [
    'src/a/long.ts:0 351 lines, more than 350',
    'tools/wide.ts:2 101 columns, more than 100',
    'tools/text.ts:2 161 columns, more than 160',
    'tools/comment.ts:2 104 columns, more than 100',
  ])
})

test('a door holds names of other files and no code', () => {
  const files = filesOf({
    'src/a/index.ts': "// A door.\nexport { a, type B } from './a.ts'\nexport * from './c.ts'\n",
    'src/b/index.ts': "export { a } from './a.ts'\nexport const b = 1\n",
    'src/c/index.ts': 'export type C = string\n',
  })

  assert.deepEqual(printed(checkDoors(files)), [
    'src/b/index.ts:2 a door only re-exports names: `const` is code',
    'src/c/index.ts:1 a door only re-exports names: `=` is code',
  ])
})

test('each dependency has a row, each row a dependency, each version is exact', () => {
  const files = filesOf({
    'package.json':
      '{\n"dependencies": {\n"@a/b": "1.2.3",\n"c": "^1.0.0"\n},\n"devDependencies": {\n"d": "0.1.0"\n}}',
    'src/a.ts': "import { b } from '@a/b/deep'\nimport { c } from 'c'\nimport { d } from 'd'\n",
    'docs/dependencies.md':
      '# Table\n| Name | For |\n| --- | --- |\n| `@a/b` | x |\n| `gone` | y |\n',
  })

  assert.deepEqual(printed(checkDependencies(files)), [
    'package.json:4 c has no row in docs/dependencies.md',
    'package.json:4 c: ^1.0.0 is no exact version',
    'package.json:7 d has no row in docs/dependencies.md',
    'docs/dependencies.md:5 gone is not in package.json',
    'src/a.ts:3 d is not among the dependencies of package.json',
  ])
})

test('a dependency that nothing imports would be installed by users for nothing', () => {
  const files = filesOf({
    'package.json': '{\n"dependencies": {\n"a": "1.0.0"\n}}',
    'docs/dependencies.md': '| `a` | x |\n',
    'test/a.ts': "import 'a'",
  })

  assert.deepEqual(printed(checkDependencies(files)), ['package.json:3 nothing in src/ imports a'])
})

test('the lock file names no registry', () => {
  const text = '{\n"resolved": "https://registry.example/a.tgz"\n}\n'

  assert.deepEqual(printed(checkLock(filesOf({ 'package-lock.json': text }))), [
    'package-lock.json:2 the address of a registry',
  ])
  assert.deepEqual(checkLock(filesOf({ 'package-lock.json': '{ "version": "1.0.0" }' })), [])
})

test('pages that are made say what the tables say', () => {
  const files = filesOf({ 'docs/a.md': 'as it was\n' })
  const pages = (text: string) => new Map([['docs/a.md', text]])

  assert.deepEqual(checkPages(files, pages('as it was\n')), [])
  assert.equal(checkPages(files, pages('as it is\n')).length, 1)
  assert.equal(checkPages([], pages('as it is\n')).length, 1)
})

test('links between pages lead somewhere', () => {
  const files = filesOf({
    'README.md':
      '[a](docs/a.md#part) [b](docs/) [c](https://example.com/x) [d](#here)\n[e](gone.md)',
    'docs/a.md': '[up](../README.md) [missing](b.md)',
  })

  assert.deepEqual(printed(checkLinks(files)), [
    'README.md:2 there is no gone.md',
    'docs/a.md:1 there is no docs/b.md',
  ])
})

test('reminders and tests that are switched off do not stay', () => {
  const reminder = `// ${'TO'}${'DO'}: later\n`
  const files = filesOf({
    'src/a.ts': `x\n${reminder}`,
    'test/a.test.ts': "test.only('x', () => {})\ntest('y', { skip: true }, () => {})\nlist.skip(3)",
    'test/b.test.ts': "test('the only one to skip', () => {})",
    'src/b.ts': 'reader.skip(3)',
  })

  assert.deepEqual(
    checkReminders(files).map(({ path, line }) => `${path}:${line}`),
    ['src/a.ts:2'],
  )
  assert.deepEqual(
    checkSwitchedOffTests(files).map(({ path, line }) => `${path}:${line}`),
    ['test/a.test.ts:1', 'test/a.test.ts:2', 'test/a.test.ts:3'],
  )
})

test("one machine's paths do not get into the repository", () => {
  const files = filesOf({
    'docs/a.md': 'see framework/x and http://example/home/me/x\nrun /home/me/x/y\n',
  })

  assert.deepEqual(printed(checkMachinePaths(files, ['/home/me'])), [
    'docs/a.md:2 /home/me/ is a path of this machine',
  ])
  assert.deepEqual(checkMachinePaths(files, []), [])
})
