// Both disks promise the same; what one does the other must do.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { closeSync } from 'node:fs'
import {
  type FileHandle,
  mkdtemp,
  open,
  readdir,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import {
  appendDurably,
  below,
  CLEAR_BYTES,
  type Disk,
  DiskError,
  MemoryDisk,
  SyncError,
} from '../../src/host/index.ts'
import { makeFolder, NodeDisk } from '../../src/host/node/index.ts'

const execFileOf = promisify(execFile)

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'disk-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const kinds: Record<string, (t: TestContext) => Promise<Disk>> = {
  'a disk in memory': async () => new MemoryDisk({ maxBytes: 1 << 30 }),
  'a disk in a directory': async (t) => {
    const disk = await NodeDisk.open(await temporaryDirectory(t))
    t.after(() => disk.close())
    return disk
  },
}

for (const [kind, make] of Object.entries(kinds)) {
  test(`${kind} gives back what was appended, from any position`, async (t) => {
    const disk = await make(t)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.uint8Array({ maxLength: 100_000 }), { maxLength: 4 }), {
          maxLength: 4,
        }),
        fc.nat(300_000),
        fc.nat(300_000),
        async (appends, position, lengthBytes) => {
          const file = await disk.open('log')
          for (const [index, chunks] of appends.entries()) {
            if (index % 2 === 0) await file.append(chunks)
            else await appendDurably(file, chunks)
          }
          await file.sync()

          const whole = Buffer.concat(appends.flat())
          assert.equal(file.sizeBytes(), whole.length)
          const read = await file.read(position, lengthBytes)
          assert.ok(read.equals(whole.subarray(position, position + lengthBytes)))
          const room = Buffer.alloc(lengthBytes + 10, 7)
          assert.ok((await file.read(position, lengthBytes, room)).equals(read))
          assert.ok(room.subarray(lengthBytes).every((byte) => byte === 7))
          assert.ok((await disk.load('log'))?.equals(whole))

          await file.truncate(Math.min(position, whole.length))
          await file.append([Buffer.from('end')])
          const expected = Buffer.concat([whole.subarray(0, position), Buffer.from('end')])
          assert.ok((await file.read(0, 1_000_000)).equals(expected))
          await file.close()
          await disk.remove('log')
        },
      ),
      { numRuns: 30 },
    )
  })

  test(`${kind} opens a log again where it ended`, async (t) => {
    const disk = await make(t)
    const first = await disk.open('a/b/log.0')
    await first.append([Buffer.from('one'), Buffer.from('two')])
    await first.close()

    const second = await disk.open('a/b/log.0')
    await second.append([Buffer.from('three')])

    assert.equal(second.name, 'a/b/log.0')
    assert.equal(String(await second.read(0, 100)), 'onetwothree')
    await second.close()
  })

  test(`${kind} replaces small files whole, and lists what is there`, async (t) => {
    const disk = await make(t)
    assert.equal(await disk.load('state'), null)
    await disk.replace('state', Buffer.from('a longer content'))
    await disk.replace('state', Buffer.from('short'))
    await disk.replace('.streams/x..y/meta', Buffer.from('m'))
    const log = await disk.open('log')
    await log.close()

    assert.equal(String(await disk.load('state')), 'short')
    assert.equal(await disk.sizeOf('state'), 'short'.length)
    assert.equal(await disk.sizeOf('absent'), 0)
    assert.deepEqual([...(await disk.list())].sort(), ['.streams/x..y/meta', 'log', 'state'])

    await disk.remove('state')
    await disk.remove('state')
    assert.equal(await disk.load('state'), null)
  })

  test(`${kind} takes no name that could lead out of it`, async (t) => {
    const disk = await make(t)
    const bad = [
      '',
      '.',
      '..',
      '../x',
      'a/../x',
      '/x',
      'a//b',
      'a/',
      'a\\b',
      'a~b',
      'a\0b',
      'ä',
      ' ',
    ]
    for (const name of [...bad, 'x'.repeat(201)]) {
      for (const work of [
        () => disk.open(name),
        () => disk.load(name),
        () => disk.sizeOf(name),
        () => disk.remove(name),
        () => disk.replace(name, Buffer.from('x')),
      ]) {
        await assert.rejects(work, { name: 'DiskError', code: 'EINVAL' }, name)
      }
    }
    await disk.replace('x'.repeat(200), Buffer.from('fits'))
  })

  test(`${kind} has parts that know nothing of each other`, async (t) => {
    const disk = await make(t)
    const [left, right] = [below(disk, 'left'), below(disk, 'right')]
    await left.replace('name', Buffer.from('l'))
    await right.replace('name', Buffer.from('r'))
    assert.deepEqual(await left.list(), ['name'])
    assert.equal(String(await right.load('name')), 'r')
  })
}

for (const [kind, make] of Object.entries(kinds)) {
  test(`${kind} writes a file anew: the same bytes, and nothing else is left`, async (t) => {
    const disk = await make(t)
    const bytes = Buffer.alloc(2 * 1024 * 1024 + 3, 'ab')
    await disk.replace('log', bytes)
    await disk.rewrite('log')
    assert.ok(bytes.equals((await disk.load('log'))!))
    assert.deepEqual(await disk.list(), ['log'])
    await assert.rejects(disk.rewrite('none'), { name: 'DiskError', code: 'ENOENT' })
    assert.deepEqual(await disk.list(), ['log'])
  })
}

test('what is written anew is in another file, and the old one is gone', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  await disk.replace('log', Buffer.from('bytes'))
  const inode = async () => (await stat(join(directory, 'log'))).ino
  const before = await inode()
  await disk.rewrite('log')
  assert.notEqual(await inode(), before)
})

test('a disk in memory is full at its bound, and has room again after a removal', async () => {
  const disk = new MemoryDisk({ maxBytes: 100 })
  const log = await disk.open('log')
  await log.append([Buffer.alloc(100)])
  await assert.rejects(log.append([Buffer.alloc(1)]), (error: unknown) => {
    return error instanceof DiskError && error.code === 'ENOSPC'
  })
  await log.truncate(99)
  await log.append([Buffer.alloc(1)])
  await disk.remove('log')
  await disk.replace('other', Buffer.alloc(100))
})

test('unfinished files of a crash are gone after the next start', async (t) => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'state~3'), 'half of it')
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  assert.deepEqual(await disk.list(), [])
  assert.ok(!(await readdir(directory)).includes('state~3'))
})

test('what the system refuses is a DiskError with the code of the system', async (t) => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'file'), '')
  await assert.rejects(NodeDisk.open(join(directory, 'file', 'sub')), {
    name: 'DiskError',
    code: 'ENOTDIR',
  })
})

test('a renewed log is empty, and written over with zeros behind what is appended', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  const first = await disk.open('first')
  await first.append([Buffer.alloc(100_000, 'old')])
  await first.close()

  const log = await disk.renew('first', 'folder/second')
  assert.deepEqual(await disk.list(), ['folder/second'])
  assert.equal(log.sizeBytes(), 0)
  assert.equal((await log.read(0, 100)).length, 0)
  const written = Buffer.alloc(5000, 'new')
  await appendDurably(log, [written.subarray(0, 3000)], { reserveBytes: 4096 })
  await appendDurably(log, [written.subarray(3000)], { reserveBytes: 4096 })
  assert.ok((await log.read(0, 100_000)).equals(written))
  const onDisk = await disk.load('folder/second')
  const clear = Buffer.alloc(CLEAR_BYTES)
  const behind = Buffer.alloc(100_000, 'old').subarray(5000 + CLEAR_BYTES)
  assert.ok(onDisk!.equals(Buffer.concat([written, clear, behind])))

  await appendDurably(log, [Buffer.alloc(95_000, 'n')], { reserveBytes: 4096 })
  assert.equal(await disk.sizeOf('folder/second'), 100_000, 'up to the end')
  await appendDurably(log, [Buffer.from('n')], { reserveBytes: 4096 })
  assert.equal(await disk.sizeOf('folder/second'), 100_001 + 4096, 'and beyond')
  await log.close()
  assert.equal(await disk.sizeOf('folder/second'), 100_001)

  const again = await disk.renew('folder/second', 'third')
  await again.append([Buffer.from('x')])
  await again.close()
  assert.equal(String(await disk.load('third')), 'x')
  await assert.rejects(disk.renew('absent', 'fourth'), { name: 'DiskError', code: 'ENOENT' })
})

test('a synced append that could not begin leaves nothing', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  const file = await disk.open('log')
  await file.append([Buffer.from('one')])
  await rm(join(directory, 'log'))

  await assert.rejects(appendDurably(file, [Buffer.from('two')]), (error) => {
    return error instanceof DiskError && !(error instanceof SyncError)
  })
  assert.equal(file.sizeBytes(), 3)
  await file.close()
})

test('a synced append that failed and left bytes says that they are not synced', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  const file = await disk.open('log')
  // As a sync that fails after the write does.
  await writeFile(join(directory, 'log'), 'left')
  await rm(join(directory, 'log'))

  await assert.rejects(appendDurably(file, [Buffer.from('longer')]), SyncError)
  assert.equal(file.sizeBytes(), 4)
  await file.close()
})

test('a synced append that meets a limit half way is no failed sync', async (t) => {
  const directory = await temporaryDirectory(t)
  const worker = join(import.meta.dirname, 'append-to-a-limit.ts')
  // In blocks of 512 or 1 024 bytes, as the shell has it.
  const command = 'ulimit -f 16 && exec "$0" "$1" "$2"'
  const { stdout } = await execFileOf('sh', ['-c', command, process.execPath, worker, directory])
  const { name, code, sizeBytes, afterCut } = JSON.parse(stdout)

  assert.deepEqual([name, code], ['DiskError', 'EFBIG'])
  assert.ok(sizeBytes > 3 && sizeBytes < 40_000, `${sizeBytes} bytes`)
  assert.equal(afterCut, 'onetwo')
})

test('reserved bytes are there while a log is open, and go when it is closed', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  const sizeOf = async () => (await stat(join(directory, 'log'))).size
  const file = await disk.open('log')
  const add = (bytes: number) =>
    appendDurably(file, [Buffer.alloc(bytes, 'x')], { reserveBytes: 1000 })

  await add(10)
  assert.equal(await sizeOf(), 1010)
  await add(1000)
  assert.equal(await sizeOf(), 1010, 'exactly what was reserved')
  await add(1)
  assert.equal(await sizeOf(), 2011)
  assert.equal(file.sizeBytes(), 1011)
  assert.equal((await file.read(0, 5000)).length, 1011)

  await file.truncate(500)
  assert.equal(await sizeOf(), 500)
  await add(1)
  assert.equal(await sizeOf(), 1501)
  await file.close()
  assert.equal(await sizeOf(), 501)
})

/** The numbers under which the process has files of the directory open; none where none says it. */
async function openIn(directory: string): Promise<number[]> {
  const folder = '/proc/self/fd'
  const numbers = await readdir(folder).catch(() => [])
  const pathOf = (number: string) => readlink(join(folder, number)).catch(() => '')
  const paths = await Promise.all(numbers.map(pathOf))
  return numbers.filter((_, index) => paths[index]!.startsWith(directory)).map(Number)
}

test('a file that could not be made, or opened, for good is closed again', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  const old = await disk.open('old')
  await old.close()
  const handle = await open(join(directory, 'old'))
  const methods: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const fails = () => Promise.reject(Object.assign(new Error('it failed'), { code: 'EIO' }))
  const isRefused = { name: 'DiskError', code: 'EIO' }
  assert.deepEqual(await openIn(directory), [])

  const sync = t.mock.method(methods, 'sync', fails)
  await assert.rejects(disk.open('new'), isRefused)
  assert.deepEqual(await openIn(directory), [])
  sync.mock.restore()
  t.mock.method(methods, 'stat', fails)
  await assert.rejects(disk.open('old'), isRefused)
  assert.deepEqual(await openIn(directory), [])
  await assert.rejects(disk.renew('old', 'renewed'), isRefused)
  assert.deepEqual(await openIn(directory), [])
})

test('both ways into a log are closed, also when one of them cannot be', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  const log = await disk.open('log')
  const [plain] = await openIn(directory)
  await appendDurably(log, [Buffer.from('x')])
  const [synced] = (await openIn(directory)).filter((one) => one !== plain)

  if (synced !== undefined) closeSync(synced)
  await log.close().catch(() => {})
  assert.deepEqual(await openIn(directory), [])
})

test('a folder is made with those above it, and the uppermost new one is told', async (t) => {
  const directory = await temporaryDirectory(t)
  assert.equal(await makeFolder(join(directory, 'a/b/c')), join(directory, 'a'))
  assert.equal(await makeFolder(join(directory, 'a/b/c')), null)
  assert.equal(await makeFolder(join(directory, 'a/b/d')), join(directory, 'a/b/d'))
  await writeFile(join(directory, 'file'), '')
  await assert.rejects(makeFolder(join(directory, 'file')), { code: 'EEXIST' })
  await assert.rejects(makeFolder(join(directory, 'file/x')), { code: 'ENOTDIR' })
})

test('where nothing can be made it is said at once', async () => {
  await assert.rejects(NodeDisk.open('/proc/headgate'), { name: 'DiskError' })
  await assert.rejects(NodeDisk.open('/proc/headgate/a/b'), { name: 'DiskError' })
})

test('why a file cannot be removed is told in the system’s words', async (t) => {
  const directory = await temporaryDirectory(t)
  const disk = await NodeDisk.open(directory)
  t.after(() => disk.close())
  await makeFolder(join(directory, 'segment.log'))
  // Other systems than Linux say EPERM, as Linux does of a file that is immutable.
  await assert.rejects(disk.remove('segment.log'), ({ code, message }: DiskError) => {
    return /^(EISDIR|EPERM)$/.test(code) && /unlink/.test(message)
  })
})
