import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { runOnce, runSeed } from '../../src/sim/index.ts'
import { failureText } from '../../tools/sim/failure.ts'
import { losingLine, rememberingGateway } from '../sim/broken-parts.ts'

function sim(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['tools/run.js', 'tools/sim.ts', ...args],
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : error.code, stdout, stderr })
      },
    )
  })
}

test('wrong arguments end with 2 and say what is wrong', async () => {
  for (const args of [['--seed', '-1'], ['--seed=4294967296'], ['--count', '0'], ['--foo']]) {
    const { code, stdout, stderr } = await sim(...args)
    assert.equal(code, 2, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /Usage: npm run sim/)
  }
  assert.match((await sim('--trace', '--count', '2')).stderr, /one seed/)
})

test('the summary counts what happened, as text and as JSON', async () => {
  const { code, stdout } = await sim('--seed', '1', '--count', '2')
  assert.equal(code, 0)
  assert.match(stdout, /^2 worlds from seed 1 came to rest/)
  assert.match(stdout, /request to kinesis: arrives +[0-9]+/)

  const json = JSON.parse((await sim('--seed', '1', '--count', '2', '--json')).stdout)
  assert.equal(json.worlds, 2)
  assert.ok(json.counts['request to kinesis: arrives'] > 0)
})

test('a broken world is told with its seed, its last events and the command to repeat it', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const outcome = await runOnce(seed, { hooks: losingLine() })
    if (outcome.kind !== 'broken') continue
    const text = failureText(seed, outcome)
    assert.ok(text.startsWith(`seed ${seed}: an invariant broke: `))
    assert.match(text, /loadMs: [0-9]+/)
    assert.match(text, /\n +[0-9]+\.[0-9]{3} {2}request to /)
    assert.ok(text.endsWith(`\nRepeat it: npm run sim -- --seed ${seed} --count 1`))
    return
  }
  assert.fail('nothing broke')
})

test('a world that is not the same twice is told with the first event that differs', async () => {
  for (let seed = 1; seed <= 15; seed++) {
    const outcome = await runSeed(seed, { hooks: rememberingGateway() })
    if (outcome.kind === 'came to rest') continue
    assert.ok(outcome.kind === 'not the same twice')
    assert.match(failureText(seed, outcome), /two runs differ .*\n.*/)
    return
  }
  assert.fail('nothing differed')
})
