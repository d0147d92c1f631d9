// Files in a directory of our own. What a promise here says is durable has been synced, directory
// entries included: a new file is no file after power loss until its directory was synced.

import {
  type FileHandle,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { Disk, LogFile } from '../disk.ts'
import { checkFileName } from '../file-name.ts'
import { DirectoryLock, RESERVED_CHARACTER } from './directory-lock.ts'
import { makeFolder } from './make-folder.ts'
import { asDiskError, NodeLogFile } from './node-log-file.ts'

const COPY_BYTES = 1024 * 1024

export class NodeDisk implements Disk {
  readonly #directory: string
  readonly #lock: DirectoryLock
  #unfinishedCount = 0

  private constructor(directory: string, lock: DirectoryLock) {
    this.#directory = directory
    this.#lock = lock
  }

  /**
   * Takes over a directory, making it when there is none. Rejects with `DirectoryInUseError` while
   * another process has it, with a `DiskError` when it cannot be had at all.
   */
  static async open(directory: string): Promise<NodeDisk> {
    await asDiskError(() => makeFolder(directory))
    const disk = new NodeDisk(directory, await DirectoryLock.take(directory))
    await asDiskError(() => disk.#removeUnfinished())
    return disk
  }

  async open(name: string): Promise<LogFile> {
    const path = this.#pathOf(name)
    return asDiskError(() => this.#openLog(name, path))
  }

  async renew(oldName: string, name: string): Promise<LogFile> {
    const [oldPath, path] = [this.#pathOf(oldName), this.#pathOf(name)]
    return asDiskError(() => this.#renew(oldPath, { name, path }))
  }

  list(): Promise<readonly string[]> {
    return asDiskError(() => this.#list((name) => !name.includes(RESERVED_CHARACTER)))
  }

  async remove(name: string): Promise<void> {
    const path = this.#pathOf(name)
    await asDiskError(() => this.#remove(path))
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(name)
    await asDiskError(() => this.#replace(path, (file) => file.writeFile(bytes)))
  }

  async rewrite(name: string): Promise<void> {
    const path = this.#pathOf(name)
    await asDiskError(() => this.#replace(path, (file) => copy(path, file)))
  }

  async load(name: string): Promise<Buffer | null> {
    const path = this.#pathOf(name)
    return asDiskError(() => readFile(path).catch(nullWhenAbsent))
  }

  async sizeOf(name: string): Promise<number> {
    const path = this.#pathOf(name)
    return asDiskError(async () => (await stat(path).catch(nullWhenAbsent))?.size ?? 0)
  }

  /** Whoever else wants the directory is told this. */
  tell(text: string): void {
    this.#lock.tell(text)
  }

  /** Gives the directory back. Its log files are to be closed before. */
  close(): Promise<void> {
    return this.#lock.release()
  }

  #pathOf(name: string): string {
    checkFileName(name)
    return join(this.#directory, name)
  }

  async #openLog(name: string, path: string): Promise<LogFile> {
    // `a` would append wherever the end is, also behind what a failed append left there.
    const known = await open(path, 'r+').catch(nullWhenAbsent)
    if (known !== null) {
      return orClosed(known, async () => {
        return new NodeLogFile(name, path, known, (await known.stat()).size)
      })
    }
    await this.#makeFolder(dirname(path))
    const made = await open(path, 'wx+')
    return orClosed(made, async () => {
      await syncFolder(dirname(path))
      return new NodeLogFile(name, path, made, 0)
    })
  }

  async #renew(oldPath: string, { name, path }: { name: string; path: string }): Promise<LogFile> {
    await this.#makeFolder(dirname(path))
    await rename(oldPath, path)
    // Before anything is written: what is in it then must not be found under the old name.
    for (const folder of new Set([dirname(oldPath), dirname(path)])) await syncFolder(folder)
    const file = await open(path, 'r+')
    return orClosed(file, async () => {
      return new NodeLogFile(name, path, file, 0, (await file.stat()).size)
    })
  }

  async #remove(path: string): Promise<void> {
    // `rm` takes what may not be removed for a folder, and says that it is none.
    const wasThere = await unlink(path).then(() => true, nullWhenAbsent)
    if (wasThere !== null) await syncFolder(dirname(path))
  }

  async #replace(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
    await this.#makeFolder(dirname(path))
    const unfinishedPath = `${path}${RESERVED_CHARACTER}${this.#unfinishedCount++}`
    try {
      const file = await open(unfinishedPath, 'w')
      try {
        await write(file)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(unfinishedPath, path)
    } catch (error) {
      await rm(unfinishedPath, { force: true })
      throw error
    }
    await syncFolder(dirname(path))
  }

  async #makeFolder(folder: string): Promise<void> {
    const firstMade = await makeFolder(folder)
    if (firstMade === null) return
    for (let made = folder; made.length >= firstMade.length; made = dirname(made)) {
      await syncFolder(dirname(made))
    }
  }

  async #list(isWanted: (name: string) => boolean): Promise<string[]> {
    const entries = await readdir(this.#directory, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.#directory, join(entry.parentPath, entry.name)))
      .map((path) => path.split(sep).join('/'))
      .filter(isWanted)
  }

  async #removeUnfinished(): Promise<void> {
    const names = await this.#list((name) => name.includes(RESERVED_CHARACTER))
    for (const name of names) await rm(join(this.#directory, name), { force: true })
  }
}

/** A handle that nobody gets is closed: from Node 25 on a lost one ends the process. */
async function orClosed<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await handle.close().catch(() => {})
    throw error
  }
}

/**
 * By reading and writing: what the system copies by itself it may take from the medium, and share,
 * where what can be read is not what is there. Closed afterwards: not every system lets another
 * file take the name of one that is open.
 */
async function copy(path: string, to: FileHandle): Promise<void> {
  const from = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafeSlow(COPY_BYTES)
    for (let at = 0; ; ) {
      const { bytesRead } = await from.read(buffer, 0, COPY_BYTES, at)
      if (bytesRead === 0) return
      await to.writeFile(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } finally {
    await from.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function nullWhenAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
