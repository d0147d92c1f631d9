// Runs one of the repository's TypeScript programs: `node tools/run.js tools/test.ts ARGUMENTS`.
// Plain JavaScript, because it must still say what is wrong on a Node that cannot strip types.
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

if (!isSupported(engines.node, process.versions.node)) {
  const installed = existsSync(new URL('../node_modules/.bin/node', import.meta.url))
  process.stderr.write(
    `This needs Node ${engines.node}; it was started with ${process.versions.node}.\n` +
      (installed
        ? 'Start it through npm ("npm test", "npm run tidy", ...): that uses the pinned Node.\n'
        : 'Run "npm ci" first: it brings the pinned Node, which npm scripts then use.\n'),
  )
  process.exit(2)
}

const [program = ''] = process.argv.splice(2, 1)
process.argv[1] = resolve(program)
await import(pathToFileURL(process.argv[1]).href)

/** Whether `version` is in a range of the forms `^22.18.0 || >=26.0.0`, no others. */
function isSupported(range, version) {
  const [major, minor] = version.split('.').map(Number)
  return range.split('||').some((part) => {
    const [, sign, wantedMajor, wantedMinor] = /^(\^|>=)(\d+)\.(\d+)\.0$/.exec(part.trim())
    if (major === Number(wantedMajor)) return minor >= Number(wantedMinor)
    return sign === '>=' && major > Number(wantedMajor)
  })
}
