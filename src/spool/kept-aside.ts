// Bytes that could not be read back, kept for whoever wants to look at them.

import type { Disk, Log } from '../host/index.ts'
import type { Range } from './hand-out.ts'
import type { SharedFile } from './shared-file.ts'

const FOLDER = 'damaged/'

export class KeptAside {
  readonly #disk: Disk
  readonly #maxBytes: number
  readonly #log: Log
  readonly #names: Set<string>
  #usedBytes: number | null = null
  #keeping: Promise<void> = Promise.resolve()

  constructor(disk: Disk, maxBytes: number, names: readonly string[], log: Log) {
    this.#disk = disk
    this.#maxBytes = maxBytes
    this.#log = log
    this.#names = new Set(names.filter((name) => name.startsWith(FOLDER)))
  }

  /** Copies them, one after the other; resolves when that has ended, well or not. */
  keep(shared: SharedFile, range: Range): Promise<void> {
    this.#keeping = this.#keeping.then(() => this.#copy(shared, range)).catch(() => {})
    return this.#keeping
  }

  async #copy(shared: SharedFile, { position, end }: Range): Promise<void> {
    const name = `${FOLDER}${shared.name}-${position}`
    if (this.#names.has(name)) return
    const bytes = end - position
    this.#usedBytes ??= await this.#measure()
    if (this.#usedBytes + bytes > this.#maxBytes) {
      return this.#log.warn('damaged bytes are not kept aside: there are too many', { name })
    }
    const file = await shared.acquire()
    try {
      const content = await file.read(position, bytes)
      await this.#disk.replace(name, content)
      this.#names.add(name)
      this.#usedBytes += bytes
    } catch (error) {
      const reason = (error as Error).message
      this.#log.warn('damaged bytes could not be kept aside', { name, reason })
    } finally {
      shared.release()
    }
  }

  async #measure(): Promise<number> {
    let bytes = 0
    for (const name of this.#names) bytes += await this.#disk.sizeOf(name)
    return bytes
  }
}
