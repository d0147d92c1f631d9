import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

interface Ended {
  readonly code: number | null
  readonly lastLine: string
  readonly output: string
}

/** Runs the test runner over these files of test/, as `npm test` does. */
function runTests(texts: Readonly<Record<string, string>>, ...args: string[]): Ended {
  const root = mkdtempSync(join(tmpdir(), 'headgate-test-'))
  try {
    mkdirSync(join(root, 'test/deep'), { recursive: true })
    for (const [name, body] of Object.entries(texts)) {
      const head = "import test from 'node:test'\nimport assert from 'node:assert/strict'\n"
      writeFileSync(join(root, 'test', name), head + body)
    }
    // A test runner inside a test runner would report to the outer one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const result = spawnSync(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        'tools/run.js',
        'tools/test.ts',
        '--root',
        root,
      ].concat(args),
      { env: { ...env, CI: 'true' }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const lastLine = result.stdout.trimEnd().split('\n').at(-1)!
    return { code: result.status, lastLine, output: result.stdout + result.stderr }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

const PASSES = "test('passes', () => {})\n"
const FAILS = "test('fails', () => assert.equal(1, 2))\n"

test('the last line counts tests in every folder, not groups', () => {
  const suite = `test.describe('group', () => { test.it('a', () => {}); test.it('b', () => {}) })\n`

  const { code, lastLine } = runTests({ 'a.test.ts': suite, 'deep/b.test.ts': PASSES })

  assert.equal(lastLine, '3 passed, 0 failed')
  assert.equal(code, 0)
})

for (const mode of [[], ['--isolated']]) {
  const how = mode.length > 0 ? 'in processes of their own' : 'in one process'

  test(`a failure ${how} is shown with its place and reason, and counted once`, () => {
    const nested = `test('outer', async (t) => { await t.test('inner', () => assert.ok(0)) })\n`

    const ended = runTests({ 'a.test.ts': FAILS + PASSES, 'b.test.ts': nested }, ...mode)

    assert.equal(ended.lastLine, '1 passed, 2 failed')
    assert.equal(ended.code, 1)
    assert.match(ended.output, /FAILED {2}test\/a\.test\.ts:3 {2}fails/)
    assert.match(ended.output, /1 !== 2/)
    assert.match(ended.output, /FAILED {2}test\/b\.test\.ts:3 {2}inner/)
  })

  test(`a file that cannot be loaded ${how} is a failure`, () => {
    const ended = runTests({ 'a.test.ts': "import './gone.ts'\n", 'b.test.ts': PASSES }, ...mode)

    assert.equal(ended.lastLine, '1 passed, 1 failed')
    assert.equal(ended.code, 1)
  })

  test(`files without a test ${how} are no success`, () => {
    const { code, lastLine, output } = runTests({ 'a.test.ts': '' }, ...mode)

    assert.equal(lastLine, '0 passed, 0 failed')
    assert.match(output, /No test was executed/)
    assert.equal(code, 1)
  })
}

test('skipped tests are counted apart, and alone are no success', () => {
  const skips = "test('off', { skip: true }, () => {})\n"

  const some = runTests({ 'a.test.ts': skips + PASSES })
  const alone = runTests({ 'a.test.ts': skips })

  assert.deepEqual([some.lastLine, some.code], ['1 passed, 0 failed, 1 skipped', 0])
  assert.deepEqual([alone.lastLine, alone.code], ['0 passed, 0 failed, 1 skipped', 1])
})

test('a test that ends the process does not end it well', () => {
  const { code, lastLine } = runTests({ 'a.test.ts': "test('quits', () => process.exit(0))\n" })

  assert.equal(lastLine, '0 passed, 1 failed')
  assert.equal(code, 1)
})

test('a test that leaves something open fails the run and is told what', () => {
  const leaves = "test('leaves', () => { setInterval(() => {}, 1000) })\n"

  const { code, lastLine, output } = runTests({ 'a.test.ts': leaves }, '--patience', '0.2')

  assert.equal(lastLine, '1 passed, 1 failed')
  assert.match(output, /left something open: .*Timeout/)
  assert.equal(code, 1)
})

test('filters choose files by path and tests by title', () => {
  const files = { 'a.test.ts': PASSES + FAILS, 'deep/b.test.ts': FAILS }

  const byPath = runTests(files, 'test/deep')
  const byTitle = runTests(files, '--name', 'passes', 'a.test')
  const byNothing = runTests(files, 'nowhere')

  assert.equal(byPath.lastLine, '0 passed, 1 failed')
  assert.deepEqual([byTitle.lastLine, byTitle.code], ['1 passed, 0 failed', 0])
  assert.deepEqual([byNothing.lastLine, byNothing.code], ['0 passed, 0 failed', 1])
})

test('wrong usage says so and ends with 2', () => {
  const { code, output } = runTests({}, '--nonsense')

  assert.equal(code, 2)
  assert.match(output, /Usage: npm test/)
})

test('a test that never lets go of the processor ends the run all the same', () => {
  const loops = `${PASSES}test('loops', () => { for (;;); })\n`

  const { code, lastLine, output } = runTests({ 'a.test.ts': loops }, '--patience', '1')

  assert.notEqual(code, 0)
  assert.match(lastLine, /^\d passed, 1 failed$/)
  assert.match(output, /never lets go of the processor/)
})
