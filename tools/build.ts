// Compiles src/ to dist/: JavaScript and declarations. `npm pack` runs it first, so that a package
// never holds an older build.

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
