import assert from 'node:assert'
import type { FileHandle } from 'node:fs/promises'
import type { LogFile } from '../disk.ts'
import { DiskError } from '../disk.ts'

export class NodeLogFile implements LogFile {
  readonly name: string
  readonly #handle: FileHandle
  #sizeBytes: number
  #isAppending = false

  constructor(name: string, handle: FileHandle, sizeBytes: number) {
    this.name = name
    this.#handle = handle
    this.#sizeBytes = sizeBytes
  }

  sizeBytes(): number {
    return this.#sizeBytes
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    assert(!this.#isAppending, `two appends to ${this.name} at once`)
    this.#isAppending = true
    try {
      await asDiskError(() => this.#write(chunks))
    } finally {
      this.#isAppending = false
    }
  }

  sync(): Promise<void> {
    // The data and as much of the metadata as finding it again needs: the file's new size.
    return asDiskError(() => this.#handle.datasync())
  }

  read(position: number, lengthBytes: number): Promise<Buffer> {
    return asDiskError(() => this.#read(position, lengthBytes))
  }

  async truncate(sizeBytes: number): Promise<void> {
    await asDiskError(() => this.#handle.truncate(sizeBytes))
    this.#sizeBytes = sizeBytes
  }

  close(): Promise<void> {
    return asDiskError(() => this.#handle.close())
  }

  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    let rest: readonly Uint8Array[] = chunks
    let position = this.#sizeBytes
    let leftBytes = 0
    for (const chunk of chunks) leftBytes += chunk.length
    while (leftBytes > 0) {
      const { bytesWritten } = await this.#handle.writev(rest, position)
      if (bytesWritten === 0) throw new DiskError('EIO', `${this.name} takes no more bytes`)
      position += bytesWritten
      leftBytes -= bytesWritten
      if (leftBytes > 0) rest = without(rest, bytesWritten)
    }
    this.#sizeBytes = position
  }

  async #read(position: number, lengthBytes: number): Promise<Buffer> {
    const wantedBytes = Math.max(0, Math.min(lengthBytes, this.#sizeBytes - position))
    const buffer = Buffer.allocUnsafeSlow(wantedBytes)
    let doneBytes = 0
    while (doneBytes < wantedBytes) {
      const leftBytes = wantedBytes - doneBytes
      const { bytesRead } = await this.#handle.read(
        buffer,
        doneBytes,
        leftBytes,
        position + doneBytes,
      )
      if (bytesRead === 0) break
      doneBytes += bytesRead
    }
    return buffer.subarray(0, doneBytes)
  }
}

/** The chunks after the first `writtenBytes` bytes of them: a system may write less than asked. */
function without(chunks: readonly Uint8Array[], writtenBytes: number): readonly Uint8Array[] {
  let skippedBytes = writtenBytes
  let index = 0
  while (skippedBytes >= chunks[index]!.length) skippedBytes -= chunks[index++]!.length
  return [chunks[index]!.subarray(skippedBytes), ...chunks.slice(index + 1)]
}

/** What the system says, as the error that a disk promises. */
export async function asDiskError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DiskError) throw error
    const { code = 'EIO', message } = error as NodeJS.ErrnoException
    throw new DiskError(code, message)
  }
}
