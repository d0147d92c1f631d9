// A disk for the embedded Kinesis of a long experiment: what a shard stores is counted and
// forgotten, because nobody reads it and 1 250 000 × 1 612 bytes would be kept for nothing. Small
// files, which say what the streams are, are kept.

import { type Disk, type LogFile, MemoryDisk } from '../host/index.ts'

/** Small files: stream.json of a few streams. */
const SMALL_FILES_MAX_BYTES = 16 * 1024 * 1024

export class DiscardingDisk implements Disk {
  readonly #small = new MemoryDisk({ maxBytes: SMALL_FILES_MAX_BYTES })
  readonly #logs = new Map<string, DiscardingFile>()

  async open(name: string): Promise<LogFile> {
    const known = this.#logs.get(name)
    if (known !== undefined) return known
    const file = new DiscardingFile(name)
    this.#logs.set(name, file)
    return file
  }

  async list(): Promise<readonly string[]> {
    return [...(await this.#small.list()), ...this.#logs.keys()]
  }

  async remove(name: string): Promise<void> {
    this.#logs.delete(name)
    await this.#small.remove(name)
  }

  replace(name: string, bytes: Uint8Array): Promise<void> {
    return this.#small.replace(name, bytes)
  }

  rewrite(name: string): Promise<void> {
    return this.#small.rewrite(name)
  }

  load(name: string): Promise<Buffer | null> {
    return this.#small.load(name)
  }

  async sizeOf(name: string): Promise<number> {
    return this.#logs.get(name)?.sizeBytes() ?? this.#small.sizeOf(name)
  }
}

class DiscardingFile implements LogFile {
  readonly name: string
  #sizeBytes = 0

  constructor(name: string) {
    this.name = name
  }

  sizeBytes(): number {
    return this.#sizeBytes
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) this.#sizeBytes += chunk.length
  }

  async sync(): Promise<void> {}

  /** Never asked for by those who only write. */
  async read(): Promise<Buffer> {
    return Buffer.alloc(0)
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#sizeBytes = sizeBytes
  }

  async close(): Promise<void> {}
}
