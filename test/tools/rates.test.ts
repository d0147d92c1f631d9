import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

function rates(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['tools/run.js', 'tools/rates.ts', ...args],
    { encoding: 'utf8' },
  )
  return { code: status, stdout, stderr }
}

test('wrong arguments of rates end with 2, say what is wrong, and begin nothing', () => {
  const wrong: [args: string[], says: RegExp][] = [
    [['foo'], /^shares, wide or changes; not foo\n/],
    [['shares', '--seeds', '0'], /^--seeds takes 1 to 10000, not 0\n/],
    [['--seeds=10001'], /^--seeds takes 1 to 10000, not 10001\n/],
    [['--together=yes'], /^Option '--together' does not take an argument\n/],
    [['--foo'], /^Unknown option '--foo'/],
  ]
  for (const [args, says] of wrong) {
    const { code, stdout, stderr } = rates(...args)
    assert.equal(code, 2, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, says)
    assert.match(stderr, /Usage: npm run rates/)
  }
})

test('the help of rates tells of its options', () => {
  const { code, stdout } = rates('--help')
  assert.equal(code, 0)
  assert.match(stdout, /--seeds N .*\n +--together /)
})
