// A log of the simulated disk, as one process has it open.

import { type LogFile, type Reserve, syncAppended } from '../host/index.ts'
import type { SimDisk } from './sim-disk.ts'
import type { SimFile } from './sim-file.ts'

export interface Operation<T> {
  /** Throws what the operation fails with, before it does anything. */
  readonly check?: () => void
  readonly act: () => T
  /** What a crash in the middle leaves. */
  readonly crash?: () => void
}

export type Operate = <T>(kind: string, operation: Operation<T>) => Promise<T>

export class SimLogFile implements LogFile {
  readonly name: string
  readonly #file: SimFile
  readonly #disk: SimDisk
  readonly #operate: Operate

  constructor(name: string, file: SimFile, disk: SimDisk, operate: Operate) {
    this.name = name
    this.#file = file
    this.#disk = disk
    this.#operate = operate
  }

  sizeBytes(): number {
    return this.#file.dataBytes
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(chunks)
    const appendPart = () => {
      const most = Math.min(bytes.length, this.#disk.freeBytes())
      this.#file.appendPart(bytes.subarray(0, this.#disk.random.below(most + 1)))
    }
    const check = () => {
      try {
        this.#disk.checkWrite(bytes.length)
      } catch (error) {
        appendPart()
        throw error
      }
    }
    const act = () => this.#file.append(bytes)
    await this.#operate('disk append', { check, act, crash: appendPart })
  }

  async appendSynced(chunks: readonly Uint8Array[], { reserveBytes }: Reserve): Promise<void> {
    let addedBytes = 0
    for (const chunk of chunks) addedBytes += chunk.length
    const isGrowing = this.#file.dataBytes + addedBytes > this.#file.sizeBytes
    await this.append(chunks)
    // In one write with the data: what of them found room is there.
    if (isGrowing) this.#file.reserve(Math.min(reserveBytes, this.#disk.freeBytes()))
    await syncAppended(this)
  }

  sync(): Promise<void> {
    const endSync = this.#file.beginSync()
    const check = () => {
      try {
        this.#disk.checkWrite(0)
      } catch (error) {
        this.#file.failSync()
        throw error
      }
    }
    return this.#operate('disk sync', { check, act: endSync })
  }

  read(position: number, lengthBytes: number, room?: Buffer): Promise<Buffer> {
    const check = () => {
      this.#disk.checkOther()
      this.#disk.checkPlace(this.name, position, lengthBytes)
    }
    const act = () => this.#file.read(position, lengthBytes, room)
    return this.#operate('disk read', { check, act })
  }

  truncate(sizeBytes: number): Promise<void> {
    const check = () => this.#disk.checkOther()
    const act = () => this.#file.truncate(sizeBytes)
    return this.#operate('disk truncate', { check, act })
  }

  async close(): Promise<void> {
    this.#file.dropReserve()
  }
}
