// A disk in memory that a test can fill up, break, and pull the plug of.

import { type Disk, DiskError, type LogFile } from '../../src/host/index.ts'

interface Content {
  bytes: Buffer
  /** What power loss leaves. */
  synced: Buffer
}

export class MemoryDisk implements Disk {
  readonly files = new Map<string, Content>()
  /** Asked before each operation; a code makes it fail. */
  fault: (operation: string, name: string) => string | null = () => null
  /** How much of an append that fails is there all the same. */
  failedAppendKeeps = 0.5
  syncCount = 0
  /** Names of the files that are open, as often as they are. */
  readonly openNames: string[] = []
  readBytes = 0
  /** While set, syncs wait for it. */
  syncGate: Promise<void> | null = null

  async open(name: string): Promise<LogFile> {
    this.#check('open', name)
    if (!this.files.has(name)) {
      this.files.set(name, { bytes: Buffer.alloc(0), synced: Buffer.alloc(0) })
    }
    this.openNames.push(name)
    return new MemoryFile(this, name)
  }

  async list(): Promise<readonly string[]> {
    this.#check('list', '')
    return [...this.files.keys()]
  }

  async remove(name: string): Promise<void> {
    this.#check('remove', name)
    this.files.delete(name)
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#check('replace', name)
    this.files.set(name, { bytes: Buffer.from(bytes), synced: Buffer.from(bytes) })
  }

  async rewrite(name: string): Promise<void> {
    this.#check('rewrite', name)
    const content = this.files.get(name)!
    content.synced = Buffer.from(content.bytes)
  }

  async load(name: string): Promise<Buffer | null> {
    this.#check('load', name)
    const content = this.files.get(name)
    return content === undefined ? null : Buffer.from(content.bytes)
  }

  async sizeOf(name: string): Promise<number> {
    this.#check('size', name)
    return this.files.get(name)?.bytes.length ?? 0
  }

  /**
   * The disk after power loss: each file as it was synced, plus `extraBytes` of what came after.
   */
  afterPowerLoss(extraBytes = 0): MemoryDisk {
    const disk = new MemoryDisk()
    for (const [name, { bytes, synced }] of this.files) {
      const kept = Buffer.from(bytes.subarray(0, synced.length + extraBytes))
      disk.files.set(name, { bytes: kept, synced: kept })
    }
    return disk
  }

  content(name: string): Content {
    const content = this.files.get(name)
    if (content === undefined) throw new DiskError('ENOENT', `${name} is gone`)
    return content
  }

  check(operation: string, name: string): void {
    this.#check(operation, name)
  }

  #check(operation: string, name: string): void {
    const code = this.fault(operation, name)
    if (code !== null) throw new DiskError(code, `the test's disk fails to ${operation} ${name}`)
  }
}

class MemoryFile implements LogFile {
  readonly name: string
  readonly #disk: MemoryDisk

  constructor(disk: MemoryDisk, name: string) {
    this.#disk = disk
    this.name = name
  }

  sizeBytes(): number {
    return this.#disk.content(this.name).bytes.length
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    const content = this.#disk.content(this.name)
    const added = Buffer.concat(chunks)
    try {
      this.#disk.check('append', this.name)
    } catch (error) {
      const keptBytes = Math.floor(added.length * this.#disk.failedAppendKeeps)
      content.bytes = Buffer.concat([content.bytes, added.subarray(0, keptBytes)])
      throw error
    }
    content.bytes = Buffer.concat([content.bytes, added])
  }

  async sync(): Promise<void> {
    const content = this.#disk.content(this.name)
    const { bytes } = content
    await this.#disk.syncGate
    this.#disk.check('sync', this.name)
    this.#disk.syncCount++
    content.synced = bytes
  }

  async read(position: number, lengthBytes: number): Promise<Buffer> {
    this.#disk.check('read', this.name)
    const { bytes } = this.#disk.content(this.name)
    const piece = Buffer.from(bytes.subarray(position, position + lengthBytes))
    this.#disk.readBytes += piece.length
    return piece
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#disk.check('truncate', this.name)
    const content = this.#disk.content(this.name)
    content.bytes = content.bytes.subarray(0, sizeBytes)
    content.synced = content.synced.subarray(0, sizeBytes)
  }

  async close(): Promise<void> {
    this.#disk.check('close', this.name)
    this.#disk.openNames.splice(this.#disk.openNames.indexOf(this.name), 1)
  }
}
