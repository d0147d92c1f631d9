// One process at a time in a directory, and a crash, however hard, lets the next one in.
//
// A file that says "in use" outlives a crash, so the lock is a socket that listens: the kernel
// closes it with its process. Each process first binds a socket under a name that no other will
// ever use, then looks for others. Of two that start together, the one that looks last sees the
// other, so both can give up but never both go on. A socket that refuses is left over from a crash;
// as its name is never used again, removing it can hurt nobody.

import { createHash, randomUUID } from 'node:crypto'
import { readdir, realpath, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asDiskError } from './node-log-file.ts'

/** In the names of sockets and unfinished files, never in those of a disk's own files. */
export const RESERVED_CHARACTER = '~'

/** Socket paths end at 104 bytes on some systems, at 108 on others. */
const SOCKET_PATH_MAX_BYTES = 100

/** How long the one that has the directory may take to say where it is. */
const TELL_MAX_MS = 1000

/** Two that start at once may both give up; then each tries again after a moment of its own. */
const TRIES_MAX_COUNT = 4
const TRY_AGAIN_MAX_MS = 60

export class DirectoryInUseError extends Error {
  readonly code = 'DIRECTORY_IN_USE'
  readonly directory: string
  /** What the one that has it tells; empty when it tells nothing. */
  readonly told: string

  constructor(directory: string, told: string) {
    super(
      `The directory ${directory} is in use by another process. ` +
        'Stop that process, or choose another directory.',
    )
    this.name = 'DirectoryInUseError'
    this.directory = directory
    this.told = told
  }
}

export class DirectoryLock {
  readonly #server: Server
  readonly #answer: Answer

  private constructor(server: Server, answer: Answer) {
    this.#server = server
    this.#answer = answer
  }

  /**
   * Rejects with `DirectoryInUseError` while another process, or this one, has the directory, with
   * a `DiskError` when nothing can be made in it.
   */
  static async take(directory: string): Promise<DirectoryLock> {
    const place = await placeFor(directory)
    let told = ''
    for (let triesLeft = TRIES_MAX_COUNT; triesLeft > 0; triesLeft--) {
      const ownName = `${place.prefix}${randomUUID()}`
      const answer = { text: '' }
      const server = await asDiskError(() => bind(join(place.folder, ownName), answer))
      const other = await asDiskError(() => otherIn(place, ownName))
      if (other === null) return new DirectoryLock(server, answer)
      told = other
      await close(server)
      if (triesLeft > 1) await pause(Math.ceil(Math.random() * TRY_AGAIN_MAX_MS))
    }
    throw new DirectoryInUseError(directory, told)
  }

  /** From now on, whoever wants the directory is told this. */
  tell(text: string): void {
    this.#answer.text = text
  }

  release(): Promise<void> {
    return close(this.#server)
  }
}

interface Answer {
  text: string
}

/** Where the sockets of a directory are, and how their names begin. */
interface Place {
  readonly folder: string
  readonly prefix: string
}

async function placeFor(directory: string): Promise<Place> {
  const folder = await realpath(directory)
  const inside = { folder, prefix: `${RESERVED_CHARACTER}lock-` }
  const pathBytes = Buffer.byteLength(join(folder, inside.prefix)) + randomUUID().length
  if (pathBytes <= SOCKET_PATH_MAX_BYTES) return inside
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  return { folder: tmpdir(), prefix: `headgate-${hash}-` }
}

function bind(path: string, answer: Answer): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.setTimeout(TELL_MAX_MS, () => socket.destroy())
    socket.end(answer.text, () => socket.destroy())
  })
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // A worker of a cluster would else share the socket with the others.
    server.listen({ path, exclusive: true }, () => resolve(server))
  })
}

/** What another one that has the directory tells; null when there is none. */
async function otherIn({ folder, prefix }: Place, ownName: string): Promise<string | null> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || name === ownName) continue
    const path = join(folder, name)
    const told = await toldAt(path)
    if (told !== null) return told
    await rm(path, { force: true })
  }
  return null
}

/** No null also when we may not know: only a refusal proves that nobody is there. */
function toldAt(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path)
    let told = ''
    socket.setEncoding('utf8')
    socket.on('data', (text) => {
      told += text
    })
    socket.setTimeout(TELL_MAX_MS, () => socket.destroy())
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? null : told)
    })
    socket.once('close', () => resolve(told))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
