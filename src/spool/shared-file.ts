// A file that several use at a time: open while anybody needs it.

import { type Disk, DiskError, type LogFile } from '../host/index.ts'

export class SharedFile {
  readonly name: string
  readonly #disk: Disk
  #useCount = 0
  #opening: Promise<LogFile> | null = null
  #closing: Promise<void> = Promise.resolve()
  #isGone = false
  #onUnused: (() => void) | null = null

  constructor(disk: Disk, name: string) {
    this.#disk = disk
    this.name = name
  }

  /** Makes the file when there is none. Rejects with a `DiskError`, and then is not to be left. */
  acquire(): Promise<LogFile> {
    return this.#acquire(() => this.#disk.open(this.name))
  }

  /** Makes the file out of another one, which nobody gets from now on. */
  acquireFrom(old: SharedFile): Promise<LogFile> {
    return this.#acquire(async () => {
      await old.#leftByAll()
      return this.#disk.renew!(old.name, this.name)
    })
  }

  async #acquire(open: () => Promise<LogFile>): Promise<LogFile> {
    if (this.#isGone) throw new DiskError('ENOENT', `${this.name} is being removed`)
    this.#useCount++
    this.#opening ??= open()
    const opening = this.#opening
    try {
      return await opening
    } catch (error) {
      if (this.#opening === opening) this.#opening = null
      this.#leave()
      throw error
    }
  }

  release(): void {
    const opening = this.#opening
    this.#leave()
    if (this.#useCount > 0 || opening === null) return
    this.#opening = null
    // What was to be kept has been synced: a file that does not close loses nothing.
    this.#closing = opening.then((file) => file.close()).catch(() => {})
  }

  /** From now on nobody gets it; it goes when those who have it have left. */
  async remove(): Promise<void> {
    await this.#leftByAll()
    await this.#disk.remove(this.name)
  }

  async #leftByAll(): Promise<void> {
    this.#isGone = true
    if (this.#useCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onUnused = resolve
      })
    }
    await this.#closing
  }

  #leave(): void {
    this.#useCount--
    if (this.#useCount === 0) this.#onUnused?.()
  }
}
