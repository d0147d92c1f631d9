// Programs that launch others leave none of them behind when a signal ends them.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { childrenOf } from '../../tools/children-of.ts'
import { isAlive, until } from '../processes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const PROGRAMS = [
  { args: ['tools/crash.ts', '--cycles', '1000'], childCount: 2 },
  { args: ['tools/overload.ts', '--only', 'with-headroom'], childCount: 3 },
  { args: ['bench/main.ts', 'put-records'], childCount: 1 },
]

for (const { args, childCount } of PROGRAMS) {
  test(`${args.join(' ')} takes its processes with it when it is told to end`, async () => {
    const program = spawn(process.execPath, ['tools/run.js', ...args], {
      cwd: ROOT,
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => program.once('exit', resolve))
    await until(() => childrenOf(program.pid!).length >= childCount)
    const children = childrenOf(program.pid!)

    program.kill('SIGTERM')

    assert.equal(await ended, 143)
    await until(() => !children.some(isAlive))
  })
}
