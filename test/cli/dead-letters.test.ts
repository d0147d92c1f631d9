// The command as a process, on a data directory and against an admin address.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  listLetters,
  parseSince,
  purgeLetters,
  replayLetters,
  showLetter,
} from '../../src/cli/dead-letters.ts'
import { HttpDesk } from '../../src/cli/dead-letters-desk.ts'
import { readConfig } from '../../src/config/index.ts'
import {
  AdminService,
  ALL_LETTERS,
  DeadLetterOffice,
  DeadLetters,
  deadLettersFields,
} from '../../src/dead-letters/index.ts'
import { below, type Disk, silentLog } from '../../src/host/index.ts'
import { listen, NodeClock, NodeDisk, NodeRandom } from '../../src/host/node/index.ts'
import type { DeadLetter, Transaction } from '../../src/spool/index.ts'
import { letter, openLetters } from '../dead-letters/letters.ts'
import { run, temporaryDirectory } from './program.ts'

const CONFIG = readConfig(deadLettersFields, {})

async function openIn(disk: Disk, kept: readonly DeadLetter[]): Promise<DeadLetters> {
  const host = { clock: new NodeClock(), random: new NodeRandom(), disk }
  const letters = await DeadLetters.open(host, CONFIG, silentLog)
  for (const one of kept) assert.ok(await new Promise((resolve) => letters.add(one, resolve)))
  return letters
}

/** A data directory in which processes 0 and 1 have kept letters. */
async function directoryWith(context: TestContext, lists: readonly (readonly DeadLetter[])[]) {
  const directory = temporaryDirectory(context)
  const disk = await NodeDisk.open(`${directory}/.headgate`)
  for (const [number, kept] of lists.entries()) {
    const letters = await openIn(below(below(disk, String(number)), 'dead-letters'), kept)
    await letters.close()
  }
  await disk.close()
  return directory
}

/** An admin address with these letters, in this process. */
async function adminWith(context: TestContext, kept: readonly DeadLetter[], isDyingAgain = false) {
  const disk = await NodeDisk.open(temporaryDirectory(context))
  const letters = await openIn(disk, kept)
  const appended: string[] = []
  const line = {
    append: ({ records, durable }: Transaction) => {
      const receipt = records[0]!.receipt!
      appended.push(receipt)
      if (isDyingAgain) letters.add(letter(receipt), () => durable([]))
      else durable([])
    },
  }
  const service = new AdminService(new DeadLetterOffice(letters, line), silentLog)
  const listening = await listen(service, { host: '127.0.0.1', port: 0 })
  context.after(async () => {
    await listening.close(0)
    await letters.close()
    await disk.close()
  })
  return { url: `http://127.0.0.1:${listening.port}`, appended, letters }
}

function recorder(isJson = true) {
  const printed: string[] = []
  const out = { isJson, print: (text: string) => printed.push(text), progress() {} }
  return { out, printed }
}

const command = (cwd: string, ...args: string[]) => run(['dead-letters', ...args], { cwd })

test('letters in a directory that no gateway has are listed, shown and thrown away', async (context) => {
  const cwd = await directoryWith(context, [[letter('a'), letter('b')], [letter('c')]])

  const lines = await command(cwd, 'list', '--json', '--stream', 's1')
  const purged = await command(cwd, 'purge', '--receipt', 'a', '--yes')
  const shown = await command(cwd, 'show', 'c', '--json')
  const gone = await command(cwd, 'show', 'a')

  const receipts = lines.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).receipt)
  assert.deepEqual(receipts, ['a', 'b', 'c'])
  assert.deepEqual([purged.exitCode, purged.out], [0, '1 removed, 0 left.\n'])
  assert.equal(JSON.parse(shown.out).data, 'data of c')
  assert.deepEqual([gone.exitCode, gone.out], [1, 'There is no dead letter with the receipt a.\n'])
})

test('over HTTP they are listed page by page, sent again and thrown away', async (context) => {
  const many = Array.from({ length: 1_200 }, (_, i) => letter(`r${i}`, { code: `C${i % 2}` }))
  const { url, appended, letters } = await adminWith(context, many)
  const desk = new HttpDesk(url)
  const { out, printed } = recorder()

  await listLetters([desk], ALL_LETTERS, 1_100, out)
  assert.equal(printed.splice(0).length, 1_100)
  const cwd = temporaryDirectory(context)
  const replayed = await command(cwd, 'replay', '--admin', url, '--code', 'C1', '--json')
  assert.equal(await purgeLetters([desk], ALL_LETTERS, 550, out), 0)

  assert.deepEqual(JSON.parse(replayed.out), { replayed: 600, left: 0, refusal: null })
  assert.equal(new Set(appended).size, 600)
  assert.deepEqual(printed, ['{"purged":550,"left":50}'])
  assert.equal(letters.stats.count, 50)
  assert.equal((await desk.show('r2'))?.receipt ?? null, null)
  assert.equal((await desk.show('r1198'))?.data, 'data of r1198')
  await assert.rejects(new HttpDesk(`${url}/elsewhere`).list(ALL_LETTERS, 1), /says 404/)
})

test('what dies again while it is sent again is not sent once more', async (context) => {
  const { url, appended, letters } = await adminWith(context, [letter('a'), letter('b')], true)
  const { out, printed } = recorder()

  assert.equal(await replayLetters([new HttpDesk(url)], ALL_LETTERS, 1_000, out), 0)

  assert.deepEqual(appended, ['a', 'b'])
  assert.deepEqual(printed, ['{"replayed":2,"left":0,"refusal":null}'])
  assert.equal(letters.stats.count, 2)
})

test('a person sees a table and a page, without what would steer the terminal', async () => {
  const { letters, keep } = await openLetters()
  await keep(letter('a', { message: 'two\nlines \u001b[31m' }), letter('b'), letter('c'))
  const desk = new DeadLetterOffice(letters, { append() {} })
  const { out, printed } = recorder(false)

  await listLetters([desk], ALL_LETTERS, 2, out)
  await showLetter([desk], 'a', out)

  const [table = '', count, page = ''] = printed
  const [head = '', ...rows] = table.split('\n')
  assert.match(head, /^RECEIPT +DIED AT +STREAM +CODE +BYTES +TRIES +MESSAGE$/)
  assert.match(
    rows[0]!,
    /^a +2023-11-14T22:13:21.000Z +s1 +ResourceNotFoundException +9 +1 +two lines/,
  )
  assert.equal(rows.length, 2)
  assert.equal(count, '3 dead letters; 2 are shown, --limit shows more.')
  await listLetters([desk], ALL_LETTERS, 1, out)
  assert.equal(printed[4], '3 dead letters; 1 is shown, --limit shows more.')
  assert.match(page, /partition key +key of a\n/)
  assert.match(page, /data, 9 bytes, utf-8:\ndata of a$/)
  assert.ok(!printed.join().includes('\u001b'))
})

test('what the spool does not take is said, and the exit code is 1', async () => {
  const { letters, keep } = await openLetters()
  await keep(letter('a'), letter('b'))
  const refusal = { code: 'spool-full', message: 'No room.', mayBeWritten: false } as const
  const desk = new DeadLetterOffice(letters, { append: ({ refused }) => refused(refusal) })
  const { out, printed } = recorder(false)

  assert.equal(await replayLetters([desk], ALL_LETTERS, 1_000, out), 1)

  assert.deepEqual(printed, [
    '0 sent again, 2 left.',
    'The spool took no more: No room. (spool-full)',
  ])
})

test('what is used wrongly is said, and nothing is thrown away', async (context) => {
  const cwd = await directoryWith(context, [[letter('a')]])
  const wrong = await Promise.all([
    command(cwd, 'purge', '--all'),
    command(cwd, 'purge', '--yes'),
    command(cwd, 'list', '--since', 'yesterday'),
    command(cwd, 'list', '--admin', 'localhost'),
  ])
  assert.deepEqual(
    wrong.map(({ exitCode }) => exitCode),
    [2, 2, 2, 2],
  )
  assert.match(wrong[0]!.err, /say --yes/)
  assert.match(wrong[1]!.err, /--all/)
  assert.match((await command(cwd, 'list')).out, /1 dead letter\./)
})

test('where nobody answers and where no directory is, it says what to do', async (context) => {
  const cwd = temporaryDirectory(context)
  const [nobody, nothing] = await Promise.all([
    command(cwd, 'list', '--admin', 'http://127.0.0.1:1'),
    command(cwd, 'list'),
  ])
  assert.deepEqual([nobody.exitCode, nothing.exitCode], [1, 1])
  assert.match(nobody.err, /No answer from http:\/\/127.0.0.1:1 .*--admin/)
  assert.match(nothing.err, /There is no data directory .headgate.*--data/)
})

test('--since takes ages, dates and seconds', () => {
  const nowMs = 1_000_000_000
  assert.equal(parseSince('90s', nowMs), nowMs - 90_000)
  assert.equal(parseSince('2h', nowMs), nowMs - 7_200_000)
  assert.equal(parseSince('999999999d', nowMs), 0)
  assert.equal(parseSince('1700000000', nowMs), 1_700_000_000_000)
  assert.equal(parseSince('2026-01-31T12:00Z', nowMs), Date.UTC(2026, 0, 31, 12))
  for (const bad of ['', 'soon', '5 m', '-1', '5w']) assert.equal(parseSince(bad, nowMs), null)
})
