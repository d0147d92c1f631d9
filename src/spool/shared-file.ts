// A file that several use at a time: open while anybody needs it.

import { type Disk, DiskError, type LogFile } from '../host/index.ts'

export class SharedFile {
  readonly name: string
  readonly #disk: Disk
  #useCount = 0
  #opening: Promise<LogFile> | null = null
  #isGone = false
  #onUnused: (() => void) | null = null

  constructor(disk: Disk, name: string) {
    this.#disk = disk
    this.name = name
  }

  /** Makes the file when there is none. Rejects with a `DiskError`, and then is not to be left. */
  async acquire(): Promise<LogFile> {
    if (this.#isGone) throw new DiskError('ENOENT', `${this.name} is being removed`)
    this.#useCount++
    this.#opening ??= this.#disk.open(this.name)
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
    opening.then((file) => file.close()).catch(() => {})
  }

  /** From now on nobody gets it; it goes when those who have it have left. */
  async remove(): Promise<void> {
    this.#isGone = true
    if (this.#useCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onUnused = resolve
      })
    }
    await this.#disk.remove(this.name)
  }

  #leave(): void {
    this.#useCount--
    if (this.#useCount === 0) this.#onUnused?.()
  }
}
