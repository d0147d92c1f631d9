// A disk that ends with the process: for running without files.

import assert from 'node:assert'
import { type Disk, DiskError, type LogFile } from './disk.ts'
import { checkFileName } from './file-name.ts'

/** Bytes are kept in pieces of this size, so that a log grows without being copied. */
const PIECE_BYTES = 64 * 1024

export interface MemoryDiskOptions {
  /** Bytes of all files together; beyond them an append fails with ENOSPC. */
  readonly maxBytes: number
}

export class MemoryDisk implements Disk {
  readonly #maxBytes: number
  readonly #files = new Map<string, Content>()
  #usedBytes = 0

  constructor({ maxBytes }: MemoryDiskOptions) {
    this.#maxBytes = maxBytes
  }

  async open(name: string): Promise<LogFile> {
    checkFileName(name)
    const known = this.#files.get(name)
    if (known !== undefined) return new MemoryLogFile(name, known, this)
    const content = new Content()
    this.#files.set(name, content)
    return new MemoryLogFile(name, content, this)
  }

  async list(): Promise<readonly string[]> {
    return [...this.#files.keys()]
  }

  async remove(name: string): Promise<void> {
    checkFileName(name)
    this.#usedBytes -= this.#files.get(name)?.sizeBytes ?? 0
    this.#files.delete(name)
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    checkFileName(name)
    this.take(bytes.length)
    const content = new Content()
    content.append(bytes)
    await this.remove(name)
    this.#files.set(name, content)
  }

  async rewrite(name: string): Promise<void> {
    checkFileName(name)
    if (!this.#files.has(name)) throw new DiskError('ENOENT', `there is no ${name}`)
  }

  async load(name: string): Promise<Buffer | null> {
    checkFileName(name)
    const content = this.#files.get(name)
    return content === undefined ? null : content.read(0, content.sizeBytes)
  }

  async sizeOf(name: string): Promise<number> {
    checkFileName(name)
    return this.#files.get(name)?.sizeBytes ?? 0
  }

  /** Counts bytes that a file is about to hold, or gives some back (negative). */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.#maxBytes) {
      throw new DiskError('ENOSPC', `the disk in memory holds at most ${this.#maxBytes} bytes`)
    }
    this.#usedBytes += bytes
  }
}

class MemoryLogFile implements LogFile {
  readonly name: string
  readonly #content: Content
  readonly #disk: MemoryDisk

  constructor(name: string, content: Content, disk: MemoryDisk) {
    this.name = name
    this.#content = content
    this.#disk = disk
  }

  sizeBytes(): number {
    return this.#content.sizeBytes
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      this.#disk.take(chunk.length)
      this.#content.append(chunk)
    }
  }

  async sync(): Promise<void> {}

  async read(position: number, lengthBytes: number, room?: Buffer): Promise<Buffer> {
    return this.#content.read(position, lengthBytes, room)
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#disk.take(sizeBytes - this.#content.sizeBytes)
    this.#content.truncate(sizeBytes)
  }

  async close(): Promise<void> {}
}

/** The bytes of one file. */
export class Content {
  #pieces: Buffer[] = []
  #sizeBytes = 0

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  append(bytes: Uint8Array): void {
    let doneBytes = 0
    while (doneBytes < bytes.length) {
      const at = this.#sizeBytes % PIECE_BYTES
      if (at === 0) this.#pieces.push(Buffer.allocUnsafeSlow(PIECE_BYTES))
      const partBytes = Math.min(bytes.length - doneBytes, PIECE_BYTES - at)
      this.#pieces.at(-1)!.set(bytes.subarray(doneBytes, doneBytes + partBytes), at)
      doneBytes += partBytes
      this.#sizeBytes += partBytes
    }
  }

  read(position: number, lengthBytes: number, room?: Buffer): Buffer {
    const endAt = Math.min(position + lengthBytes, this.#sizeBytes)
    const sizeBytes = Math.max(0, endAt - position)
    const bytes = room?.subarray(0, sizeBytes) ?? Buffer.allocUnsafeSlow(sizeBytes)
    for (let at = position; at < endAt; ) {
      const from = at % PIECE_BYTES
      const to = Math.min(PIECE_BYTES, from + endAt - at)
      this.#pieces[(at - from) / PIECE_BYTES]!.copy(bytes, at - position, from, to)
      at += to - from
    }
    return bytes
  }

  /** Cuts the end off; a file is never made longer so. */
  truncate(sizeBytes: number): void {
    assert(sizeBytes <= this.#sizeBytes, 'truncating makes no file longer')
    this.#pieces.length = Math.ceil(sizeBytes / PIECE_BYTES)
    this.#sizeBytes = sizeBytes
  }
}
