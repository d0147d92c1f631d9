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

/** Two that start at once may both give up; then each tries again after a moment of its own. */
const TRIES_MAX_COUNT = 4
const TRY_AGAIN_MAX_MS = 60

export class DirectoryInUseError extends Error {
  readonly code = 'DIRECTORY_IN_USE'
  readonly directory: string

  constructor(directory: string) {
    super(
      `The directory ${directory} is in use by another process. ` +
        'Stop that process, or choose another directory.',
    )
    this.name = 'DirectoryInUseError'
    this.directory = directory
  }
}

export class DirectoryLock {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /**
   * Rejects with `DirectoryInUseError` while another process, or this one, has the directory, with
   * a `DiskError` when nothing can be made in it.
   */
  static async take(directory: string): Promise<DirectoryLock> {
    const place = await placeFor(directory)
    for (let triesLeft = TRIES_MAX_COUNT; triesLeft > 0; triesLeft--) {
      const ownName = `${place.prefix}${randomUUID()}`
      const server = await asDiskError(() => bind(join(place.folder, ownName)))
      if (await asDiskError(() => isAlone(place, ownName))) return new DirectoryLock(server)
      await close(server)
      if (triesLeft > 1) await pause(Math.ceil(Math.random() * TRY_AGAIN_MAX_MS))
    }
    throw new DirectoryInUseError(directory)
  }

  release(): Promise<void> {
    return close(this.#server)
  }
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

function bind(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // A worker of a cluster would else share the socket with the others.
    server.listen({ path, exclusive: true }, () => resolve(server))
  })
}

async function isAlone({ folder, prefix }: Place, ownName: string): Promise<boolean> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || name === ownName) continue
    const path = join(folder, name)
    if (await isListening(path)) return false
    await rm(path, { force: true })
  }
  return true
}

/** True also when we may not know: only a refusal proves that nobody is there. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
