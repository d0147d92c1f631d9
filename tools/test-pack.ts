// Tries the package as its users get it: `npm run test:pack`. Packs it, installs the tarball in an
// empty folder, and uses the library doors and the program there.

import assert from 'node:assert/strict'
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Everything a package may hold besides compiled code. */
const PLAIN_FILES = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'bin/headgate.js',
  'package.json',
] as const
const COMPILED = /^dist\/[a-z0-9/-]+\.(?:js|d\.ts)$/
const EXPERIMENT = /^lab\/experiments\/[a-z0-9.-]+\.yaml$/
/** npm prints its own notices on stderr; only its failure matters here. */
const QUIET: ExecFileSyncOptionsWithStringEncoding = {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'pipe'],
}

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string }[]
}

function pack(into: string): Packed {
  const args = ['pack', '--json', '--pack-destination', into]
  const output = execFileSync('npm', args, QUIET)
  // What the build prints stands before npm's own JSON.
  const json: unknown = JSON.parse(output.slice(output.search(/^[[{]/m)))
  // An array up to npm 11, an object by the package's name from npm 12 on.
  const [packed] = Array.isArray(json) ? json : Object.values(json as object)
  return packed as Packed
}

function checkFiles({ files }: Packed): void {
  const paths = files.map(({ path }) => path)
  const strangers = paths.filter((path) => {
    const isPlain = (PLAIN_FILES as readonly string[]).includes(path)
    return !isPlain && !COMPILED.test(path) && !EXPERIMENT.test(path)
  })
  assert.deepEqual(strangers, [], 'files that do not belong into the package')
  for (const path of PLAIN_FILES) assert.ok(paths.includes(path), `the package lacks ${path}`)
}

/** A project that has nothing but the package. */
function install(folder: string, tarball: string): void {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', tarball], { ...QUIET, cwd: folder })
}

/** The names behind each library door, as a user's program sees them. */
function checkDoors(folder: string): void {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, unknown>
  }
  const doors = Object.keys(manifest.exports).filter((door) => !door.endsWith('.json'))
  for (const door of doors) {
    const specifier = `headgate${door.slice(1)}`
    const program = `import * as door from '${specifier}'; console.log(Object.keys(door).join(' '))`
    const names = run(folder, ['--input-type=module', '-e', program]).trim()
    assert.notEqual(names, '', `${specifier} exports nothing`)
    console.log(`✔ ${specifier}: ${names}`)
  }
}

/** A user's TypeScript finds the types: a program that uses each door compiles, strictly. */
function checkTypes(folder: string): void {
  const program = [
    "import { KinesisProducer } from 'headgate/producer'",
    "import { uploadMetrics } from 'headgate/cloudwatch'",
    "import * as kinesis from 'headgate/kinesis'",
    "import * as aggregation from 'headgate/aggregation'",
    'export const all = [KinesisProducer, uploadMetrics, kinesis, aggregation]',
    '// @ts-expect-error: only the doors are public',
    "import 'headgate/dist/assemble.js'",
  ]
  const compilerOptions = {
    ...{ strict: true, noEmit: true, target: 'es2023', module: 'nodenext', skipLibCheck: false },
    ...{ types: ['node'], typeRoots: [resolve('node_modules/@types')] },
  }
  writeFileSync(join(folder, 'user.ts'), `${program.join('\n')}\n`)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  execFileSync(resolve('node_modules/.bin/tsc'), ['-p', '.'], { cwd: folder, stdio: 'inherit' })
  checkSaid(folder, 'producer', /\/\*\* Age at which .*\*\/\n +recordTtl: /)
  checkSaid(folder, 'kinesis', /\/\*\* How much of its write .*\*\/\n +writeBurstMs: /)
  console.log('✔ a strict TypeScript program compiles against it')
}

/** An editor shows what a setting means. */
function checkSaid(folder: string, room: string, sentence: RegExp): void {
  const path = join(folder, 'node_modules/headgate/dist', room, 'config.d.ts')
  assert.match(readFileSync(path, 'utf8'), sentence)
}

function checkProgram(folder: string): void {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  const program = [join(folder, 'node_modules/.bin/headgate')]
  assert.match(run(folder, [...program, '--help']), /serve/)
  assert.equal(run(folder, [...program, '--version']).trim(), version)
  console.log('✔ headgate --help, --version')
}

/** The lab comes along; what draws its pictures does not, and that is said. */
function checkLab(folder: string): void {
  const program = [join(folder, 'node_modules/.bin/headgate'), 'lab']
  const listed = run(folder, [...program, 'list', '--json'])
    .trim()
    .split('\n')
  assert.ok(listed.length >= 15, `${listed.length} experiments`)
  const said = run(folder, [...program, 'run', 'bp-500', '--scale', '0.001'])
  assert.match(said, /no pictures; for them: npm install echarts/)
  console.log('✔ headgate lab list, lab run')
}

function run(folder: string, args: readonly string[]): string {
  return execFileSync(process.execPath, args, { ...QUIET, cwd: folder })
}

const folder = mkdtempSync(join(tmpdir(), 'headgate-pack-'))
try {
  const packed = pack(folder)
  checkFiles(packed)
  console.log(`✔ ${packed.files.length} files, ${Math.round(packed.size / 1024)} KiB packed`)
  const project = join(folder, 'project')
  install(project, join(folder, packed.filename))
  checkDoors(project)
  checkTypes(project)
  checkProgram(project)
  checkLab(project)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
