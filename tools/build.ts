// Compiles src/ to dist/: JavaScript and declarations. `npm pack` runs it first, so that a package
// never holds an older build.

import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fields } from '../src/config/index.ts'
import { kinesisFields } from '../src/kinesis/index.ts'
import {
  producerFields,
  transportFields,
  userRecordFields,
  vestigialFields,
  windowFields,
} from '../src/producer/index.ts'
import { saySettings } from './build/say-settings.ts'

/** Of these the sentence is the reason why they have no effect. */
const VESTIGIAL = Object.fromEntries(
  Object.entries(vestigialFields).map(([name, field]) => {
    return [name, { ...field, says: `Without effect: ${field.says}.` }]
  }),
)

/** What users of the library doors can set, by the declaration that has it. */
const SETTINGS: readonly (readonly [string, Fields])[] = [
  ['producer/config.d.ts', producerFields],
  ['producer/kpl-config.d.ts', { ...transportFields, ...userRecordFields, ...VESTIGIAL }],
  ['producer/window.d.ts', windowFields],
  ['kinesis/config.d.ts', kinesisFields],
]

rmSync('dist', { recursive: true, force: true })
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
for (const [file, fields] of SETTINGS) {
  const path = join('dist', file)
  writeFileSync(path, saySettings(readFileSync(path, 'utf8'), fields))
}
