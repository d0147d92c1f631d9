#!/usr/bin/env node
// Starts the program: compiled code in the published package, the sources in the repository.
// Plain JavaScript, because it must still say what is wrong on a Node that cannot strip types.
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const isSupported = major >= 26 || (major === 24 && minor >= 11) || (major === 22 && minor >= 18)
if (!isSupported) {
  process.stderr.write(
    `headgate needs Node ^22.18, ^24.11 or >=26; this is ${process.versions.node}. ` +
      'In the repository, "npm run headgate -- ..." and "npx headgate ..." use the pinned one.\n',
  )
  process.exit(2)
}
const source = new URL('../src/cli/main.ts', import.meta.url)
await import(
  existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href
)
