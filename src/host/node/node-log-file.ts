import assert from 'node:assert'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { LogFile } from '../disk.ts'
import { CLEAR_BYTES, DiskError, type Reserve, SyncError, syncAppended } from '../disk.ts'

/**
 * A write through a handle with it is synced when it returns. Elsewhere than on Linux it may say
 * less than `datasync` does: on macOS it leaves the bytes in the drive's own cache.
 */
const SYNCED = process.platform === 'linux' ? constants.O_WRONLY | constants.O_DSYNC : null

export class NodeLogFile implements LogFile {
  readonly name: string
  readonly #path: string
  readonly #handle: FileHandle
  /** Opened with the first synced append. */
  #syncedHandle: FileHandle | null = null
  #sizeBytes: number
  /** Up to here the file has bytes; those behind `#oldEnd` are zeros. */
  #reservedEnd: number
  /** Up to here they are what the file held before it was renewed. */
  #oldEnd: number
  #isAppending = false

  constructor(name: string, path: string, handle: FileHandle, sizeBytes: number, oldEnd = 0) {
    this.name = name
    this.#reservedEnd = oldEnd
    this.#oldEnd = oldEnd
    this.#path = path
    this.#handle = handle
    this.#sizeBytes = sizeBytes
  }

  sizeBytes(): number {
    return this.#sizeBytes
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#alone(() => asDiskError(() => this.#write(this.#handle, chunks, 0)))
  }

  sync(): Promise<void> {
    // The data and as much of the metadata as finding it again needs: the file's new size.
    return asDiskError(() => this.#handle.datasync())
  }

  appendSynced(chunks: readonly Uint8Array[], { reserveBytes }: Reserve): Promise<void> {
    return this.#alone(() => this.#appendSynced(chunks, reserveBytes))
  }

  read(position: number, lengthBytes: number, room?: Buffer): Promise<Buffer> {
    return asDiskError(() => this.#read(position, lengthBytes, room))
  }

  async truncate(sizeBytes: number): Promise<void> {
    await asDiskError(() => this.#handle.truncate(sizeBytes))
    this.#sizeBytes = sizeBytes
    this.#reservedEnd = 0
    this.#oldEnd = 0
  }

  close(): Promise<void> {
    return asDiskError(async () => {
      try {
        if (this.#reservedEnd > this.#sizeBytes) await this.#handle.truncate(this.#sizeBytes)
      } finally {
        try {
          await this.#syncedHandle?.close()
        } finally {
          await this.#handle.close()
        }
      }
    })
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    assert(!this.#isAppending, `two appends to ${this.name} at once`)
    this.#isAppending = true
    try {
      await work()
    } finally {
      this.#isAppending = false
    }
  }

  async #appendSynced(chunks: readonly Uint8Array[], reserveBytes: number): Promise<void> {
    if (SYNCED === null) {
      await asDiskError(() => this.#write(this.#handle, chunks, reserveBytes))
      return syncAppended(this)
    }
    const endBytes = this.#sizeBytes + totalOf(chunks)
    try {
      await asDiskError(async () => {
        this.#syncedHandle ??= await open(this.#path, SYNCED)
        await this.#write(this.#syncedHandle, chunks, reserveBytes)
      })
    } catch (error) {
      // The system does not say which half failed; whether it has left bytes in the file does. Of
      // reserved ones nothing shows it.
      const size = await this.#handle.stat().then(
        ({ size }) => size,
        () => null,
      )
      if (size === this.#sizeBytes) throw error
      this.#sizeBytes = Math.min(size ?? endBytes, endBytes)
      throw new SyncError(error as DiskError)
    }
  }

  async #write(
    handle: FileHandle,
    chunks: readonly Uint8Array[],
    reserveBytes: number,
  ): Promise<void> {
    let rest: readonly Uint8Array[] = chunks
    let leftBytes = totalOf(chunks)
    const zeroBytes = this.#zeroBytesBehind(this.#sizeBytes + leftBytes, reserveBytes)
    if (zeroBytes > 0) rest = [...chunks, zerosOf(zeroBytes)]
    while (leftBytes > 0) {
      const { bytesWritten } = await handle.writev(rest, this.#sizeBytes)
      if (bytesWritten === 0) throw new DiskError('EIO', `${this.name} takes no more bytes`)
      this.#reservedEnd = Math.max(this.#reservedEnd, this.#sizeBytes + bytesWritten)
      // Zeros that found no room are not missed.
      const takenBytes = Math.min(bytesWritten, leftBytes)
      this.#sizeBytes += takenBytes
      leftBytes -= takenBytes
      if (leftBytes > 0) rest = without(rest, takenBytes)
    }
  }

  #zeroBytesBehind(end: number, reserveBytes: number): number {
    if (end < this.#oldEnd) return CLEAR_BYTES
    return end > this.#reservedEnd ? reserveBytes : 0
  }

  async #read(position: number, lengthBytes: number, room?: Buffer): Promise<Buffer> {
    const wantedBytes = Math.max(0, Math.min(lengthBytes, this.#sizeBytes - position))
    const buffer = room ?? Buffer.allocUnsafeSlow(wantedBytes)
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

function totalOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((bytes, chunk) => bytes + chunk.length, 0)
}

let zeros = Buffer.alloc(0)

/** Kept for the next time: nobody writes into it. */
function zerosOf(bytes: number): Buffer {
  if (zeros.length < bytes) zeros = Buffer.alloc(bytes)
  return zeros.subarray(0, bytes)
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
