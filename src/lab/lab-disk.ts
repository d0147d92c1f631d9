// The gateway's own disk in a simulated run: kept in memory, with the time that a sync takes.

import { type Disk, type LogFile, MemoryDisk } from '../host/index.ts'
import type { LabWorld } from './lab-world.ts'

/** More than any experiment's backlog. */
const MAX_BYTES = 2 ** 40

export class LabDisk implements Disk {
  readonly #world: LabWorld
  readonly #syncMs: number
  readonly #memory = new MemoryDisk({ maxBytes: MAX_BYTES })

  constructor(world: LabWorld, syncMs: number) {
    this.#world = world
    this.#syncMs = syncMs
  }

  async open(name: string): Promise<LogFile> {
    const file = await this.#memory.open(name)
    this.#world.promised()
    return new TimedFile(file, this.#world, this.#syncMs)
  }

  list(): Promise<readonly string[]> {
    return this.#now(this.#memory.list())
  }

  remove(name: string): Promise<void> {
    return this.#now(this.#memory.remove(name))
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    await this.#memory.replace(name, bytes)
    await waitIn(this.#world, this.#syncMs)
  }

  async rewrite(name: string): Promise<void> {
    await this.#memory.rewrite(name)
    await waitIn(this.#world, this.#syncMs)
  }

  load(name: string): Promise<Buffer | null> {
    return this.#now(this.#memory.load(name))
  }

  sizeOf(name: string): Promise<number> {
    return this.#now(this.#memory.sizeOf(name))
  }

  #now<T>(promise: Promise<T>): Promise<T> {
    this.#world.promised()
    return promise
  }
}

class TimedFile implements LogFile {
  readonly name: string
  readonly #file: LogFile
  readonly #world: LabWorld
  readonly #syncMs: number

  constructor(file: LogFile, world: LabWorld, syncMs: number) {
    this.name = file.name
    this.#file = file
    this.#world = world
    this.#syncMs = syncMs
  }

  sizeBytes(): number {
    return this.#file.sizeBytes()
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    this.#world.promised()
    return this.#file.append(chunks)
  }

  async sync(): Promise<void> {
    await waitIn(this.#world, this.#syncMs)
  }

  read(position: number, lengthBytes: number, room?: Buffer): Promise<Buffer> {
    this.#world.promised()
    return this.#file.read(position, lengthBytes, room)
  }

  truncate(sizeBytes: number): Promise<void> {
    this.#world.promised()
    return this.#file.truncate(sizeBytes)
  }

  close(): Promise<void> {
    this.#world.promised()
    return this.#file.close()
  }
}

function waitIn(world: LabWorld, ms: number): Promise<void> {
  return new Promise((resolve) => {
    world.schedule(world.nowMs + ms, () => {
      world.promised()
      resolve()
    })
  })
}
