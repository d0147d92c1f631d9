// docs/operations.md names metrics, codes, settings, lines of the log and commands: they must be
// there, and be written so.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { settingsFields } from '../../src/cli/settings.ts'
import { markdownOf } from '../../src/config/index.ts'
import { PROBLEMS } from '../../src/gateway/index.ts'
import { UNREADY_REASONS } from '../../src/gateway/readiness.ts'
import { run, serving, temporaryDirectory } from '../cli/program.ts'

const page = readFileSync('docs/operations.md', 'utf8')
const [prose, , after] = page.split('```')
const spans = [...`${prose}${after}`.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!)

interface Rule {
  readonly alert: string
  readonly expr: string
}
const rules: readonly Rule[] = parse(/```yaml\n(.*?)```/s.exec(page)![1]!).groups[0].rules

function sources(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('\n')
}

/** Of two processes, one of whose shards has refused something. */
async function metricsOf(context: { after(task: () => void): void }): Promise<string> {
  const cwd = temporaryDirectory(context)
  const faults = '[{ kind: throttle, stream: s2, odds: 0.5 }]'
  await writeFile(join(cwd, 'headgate.yaml'), `kinesis:\n  faults: ${faults}\n`)
  const served = await serving(cwd, ['--workers', '2'])
  context.after(() => served.stop('SIGKILL'))
  const { gateway } = served.facts
  await fetch(`${gateway}/mappedIngest/nothing`, { method: 'POST', body: '{}' })
  for (;;) {
    const answer = await fetch(`${gateway}/mappedIngest/s2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'headgate-ack': 'delivered' },
      body: '{"foo":{"foopart1":1}}',
    })
    assert.equal(answer.status, 200)
    const metrics = await (await fetch(`${gateway}/metrics`)).text()
    if (metrics.includes('headgate_producer_errors_by_code_sum')) return metrics
  }
}

test('every metric that the page about operations names is told by a running gateway', async (t) => {
  const metrics = await metricsOf(t)
  const expressions = rules.map(({ expr }) => expr).join('\n')
  const named = new Set(`${spans.join('\n')}\n${expressions}`.match(/headgate_\w+/g))
  assert.ok(named.size > 20, `${named.size} are named`)
  const missing = [...named].filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(metrics))
  assert.deepEqual(missing, [])
  assert.match(metrics, /^headgate_unready_processes\{reason=/m)
})

test('every code on the page about operations is one', () => {
  const codes = new Set<string>([...Object.keys(PROBLEMS), ...UNREADY_REASONS])
  const named = spans.filter((text) => /^[a-z]+(-[a-z]+)+$/.test(text))
  assert.ok(named.length > 10, `${named.length} are named`)
  // A folder of the data directory.
  assert.deepEqual([...new Set(named.filter((text) => !codes.has(text)))], ['dead-letters'])
})

test('every setting on the page about operations is one', () => {
  const table = markdownOf(settingsFields)
  const named = spans.filter((text) => /^[a-z]+(\.[a-zA-Z]+)+$|^shutdownTimeoutMs$/.test(text))
  assert.ok(named.length > 5, `${named.length} are named`)
  assert.deepEqual(
    named.filter((name) => !table.includes(`| \`${name}\` |`)),
    [],
  )
})

test('every line of the log on the page about operations is in the program', () => {
  const program = sources('src')
  const named = spans.filter((text) => text.startsWith('"')).map((text) => text.slice(1, -1))
  assert.ok(named.length > 10, `${named.length} are named`)
  assert.deepEqual(
    named.filter((text) => !program.includes(`'${text}'`)),
    [],
  )
})

test('every command on the page about operations is known', async () => {
  const named = new Set(spans.filter((text) => text.startsWith('headgate ')))
  assert.ok(named.size >= 5, `${named.size} are named`)
  for (const command of named) {
    const { exitCode, out } = await run([...command.split(' ').slice(1), '--help'])
    assert.equal(exitCode, 0, command)
    assert.match(out, new RegExp(`^Usage: ${command.replace(/ --.*/, '')}`), command)
  }
})

test('every alert has a name of its own', () => {
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  assert.ok(rules.length >= 5)
})
