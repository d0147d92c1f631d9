import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DirectoryInUseError, NodeDisk } from '../../src/host/node/index.ts'

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lock-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const HOLDER = `
  const { NodeDisk } = await import(process.argv[1])
  NodeDisk.open(process.argv[2]).then(
    () => { console.log('held'); setInterval(() => {}, 1000) },
    (error) => { console.log(error.code); process.exit(1) },
  )`

/** Another process that opens the directory; says whether it got it. */
async function openElsewhere(directory: string): Promise<{ child: ChildProcess; said: string }> {
  const door = new URL('../../src/host/node/index.ts', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, door, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(child.stdout!, 'data')
  return { child, said: String(said).trim() }
}

const folders = {
  'a directory': (directory: string) => directory,
  'a directory whose path is too long for a socket': (directory: string) =>
    join(directory, 'x'.repeat(120)),
}

for (const [kind, folderIn] of Object.entries(folders)) {
  test(`${kind} belongs to one process until that is killed`, async (t) => {
    const directory = folderIn(await temporaryDirectory(t))
    const { child, said } = await openElsewhere(directory)
    assert.equal(said, 'held')

    await assert.rejects(NodeDisk.open(directory), (error: unknown) => {
      assert.ok(error instanceof DirectoryInUseError)
      assert.equal(error.directory, directory)
      assert.match(error.message, new RegExp(`${directory} is in use by another process.*Stop`))
      return true
    })

    child.kill('SIGKILL')
    await once(child, 'exit')
    const disk = await NodeDisk.open(directory)
    await disk.close()
    assert.deepEqual(await readdir(directory), [])
  })
}

test('a process cannot have a directory twice, and can have it again after closing', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  await assert.rejects(NodeDisk.open(directory), { code: 'DIRECTORY_IN_USE' })
  await disk.close()
  await (await NodeDisk.open(directory)).close()
})

test('of many that start at once at most one has the directory', async (t) => {
  const directory = join(await temporaryDirectory(t), 'shared')
  await mkdir(directory)
  for (let round = 0; round < 5; round++) {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => NodeDisk.open(directory)),
    )
    const winners = outcomes.flatMap((o) => (o.status === 'fulfilled' ? [o.value] : []))
    assert.ok(winners.length <= 1, `${winners.length} have it`)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'DIRECTORY_IN_USE')
    }
    for (const disk of winners) await disk.close()
  }
})
