// Where on the disk a stream and its shards are, and how its own file is written and removed.

import type { Disk } from '../host/index.ts'
import type { StreamRecord } from './stream.ts'

export const STREAM_FILE = 'stream.json'
const ROOT = 'streams/'

export function folderOf({ name, id }: StreamRecord): string {
  return `${ROOT}${name}.${id}`
}

/** The files of streams, written one after the other. */
export class StreamFiles {
  readonly #disk: Disk
  #lastSave: Promise<void> = Promise.resolve()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** When this resolves, the record survives a crash; saves take effect in their order. */
  save(record: StreamRecord): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(record))
    const write = () => this.#disk.replace(`${folderOf(record)}/${STREAM_FILE}`, bytes)
    const saved = this.#lastSave.then(write)
    this.#lastSave = saved.catch(() => {})
    return saved
  }

  /** What makes it a stream goes last, so that a crash leaves something to go on with. */
  async removeStream(folder: string): Promise<void> {
    await this.#removeBelow(`${folder}/`, STREAM_FILE)
    await this.#disk.remove(`${folder}/${STREAM_FILE}`)
  }

  removeShard(stream: StreamRecord, number: number): Promise<void> {
    return this.#removeBelow(`${folderOf(stream)}/${shardFolder(number)}/`)
  }

  async #removeBelow(prefix: string, except?: string): Promise<void> {
    for (const name of await this.#disk.list()) {
      if (name.startsWith(prefix) && name !== prefix + except) await this.#disk.remove(name)
    }
  }
}

export function shardFolder(number: number): string {
  return String(number).padStart(12, '0')
}

/** The files of each stream's folder, with their names in it. */
export function groupByFolder(names: readonly string[]): Map<string, string[]> {
  const folders = new Map<string, string[]>()
  for (const name of names) {
    const end = name.indexOf('/', ROOT.length)
    if (!name.startsWith(ROOT) || end < 0) continue
    const folder = name.slice(0, end)
    const files = folders.get(folder) ?? []
    files.push(name.slice(end + 1))
    folders.set(folder, files)
  }
  return folders
}

export function segmentsByShard(files: readonly string[]): Map<number, string[]> {
  const shards = new Map<number, string[]>()
  for (const file of files) {
    const parts = /^([0-9]{12})\/([^/]+)$/.exec(file)
    if (parts === null) continue
    const number = Number(parts[1])
    const names = shards.get(number) ?? []
    names.push(parts[2]!)
    shards.set(number, names)
  }
  return shards
}
