// Runs the tests on every supported line of Node: `npm run test:nodes -- [LINE…]`.

import { spawnSync } from 'node:child_process'
import { nodeOf, RELEASES } from './node-releases.ts'

const HELP = `Usage: npm run test:nodes -- [LINE...]

Runs npm test on the supported lines of Node (all, or those named), installing them through npm.

Example: npm run test:nodes -- 22 26
Exit code: 0 all passed, 1 a test failed on some line, 2 wrong usage.
`

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
