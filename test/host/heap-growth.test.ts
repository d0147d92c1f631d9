import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

test('V8 knows what lets its heap grow', () => {
  const module = new URL('../../src/host/node/heap-growth.ts', import.meta.url).href
  const script = `import { letHeapGrow } from '${module}'; letHeapGrow()`
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script]

  const { status, stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' })

  // Of an option that it does not know it says so, and goes on without.
  assert.deepEqual({ status, said: stdout + stderr }, { status: 0, said: '' })
})
