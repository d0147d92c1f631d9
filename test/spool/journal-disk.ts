// A disk that writes down what is done to it, so that the state at every instant can be made again,
// with any part of what was not synced missing.

import { CLEAR_BYTES, type Disk, type LogFile, MemoryDisk } from '../../src/host/index.ts'

export type Step =
  /** `begin`: an append has begun; the others have ended. */
  | { readonly kind: 'open' | 'begin' | 'sync' | 'remove'; readonly name: string }
  | { readonly kind: 'append' | 'replace'; readonly name: string; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly name: string; readonly sizeBytes: number }
  | { readonly kind: 'renew'; readonly name: string; readonly oldName: string }
  /** Told by whoever uses the disk. */
  | { readonly kind: 'durable' | 'settled'; readonly texts: readonly string[] }

interface FileState {
  /** What was in it before it was renewed. */
  old: Buffer
  synced: Buffer
  /** In order; each at its place behind the synced bytes. */
  unsynced: { at: number; bytes: Buffer }[]
  sizeBytes: number
}

export class JournalDisk implements Disk {
  readonly steps: Step[] = []
  /** Turns of the event loop that an operation takes. */
  pauseOf: (kind: 'append', name: string) => number = () => 0
  readonly #disk: Disk
  renew?: (oldName: string, name: string) => Promise<LogFile>

  /** One that makes logs of old ones. */
  static renewing(): JournalDisk {
    const disk = new JournalDisk()
    disk.renew = async (oldName, name) => {
      disk.steps.push({ kind: 'renew', name, oldName })
      await disk.#disk.remove(oldName)
      return disk.open(name)
    }
    return disk
  }

  /** On what is on another one, if it is given. */
  constructor(disk?: JournalDisk) {
    this.#disk = disk === undefined ? new MemoryDisk({ maxBytes: 2 ** 26 }) : disk.#disk
  }

  tell(kind: 'durable' | 'settled', texts: readonly string[]): void {
    this.steps.push({ kind, texts })
  }

  async open(name: string): Promise<LogFile> {
    const file = await this.#disk.open(name)
    this.steps.push({ kind: 'open', name })
    return {
      name,
      sizeBytes: () => file.sizeBytes(),
      append: async (chunks) => {
        this.steps.push({ kind: 'begin', name })
        for (let i = 0; i < this.pauseOf('append', name); i++) await new Promise(setImmediate)
        this.steps.push({ kind: 'append', name, bytes: Buffer.concat(chunks) })
        await file.append(chunks)
      },
      sync: async () => {
        await file.sync()
        this.steps.push({ kind: 'sync', name })
      },
      read: (position, lengthBytes, room) => file.read(position, lengthBytes, room),
      truncate: async (sizeBytes) => {
        this.steps.push({ kind: 'truncate', name, sizeBytes })
        await file.truncate(sizeBytes)
      },
      close: () => file.close(),
    }
  }

  list(): Promise<readonly string[]> {
    return this.#disk.list()
  }

  async remove(name: string): Promise<void> {
    this.steps.push({ kind: 'remove', name })
    await this.#disk.remove(name)
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.steps.push({ kind: 'replace', name, bytes: Buffer.from(bytes) })
    await this.#disk.replace(name, bytes)
  }

  /** What is there is written anew. */
  async rewrite(name: string): Promise<void> {
    await this.replace(name, (await this.load(name))!)
  }

  load(name: string): Promise<Buffer | null> {
    return this.#disk.load(name)
  }

  sizeOf(name: string): Promise<number> {
    return this.#disk.sizeOf(name)
  }
}

const NONE = Buffer.alloc(0)

/** Every state that power loss after these steps may leave. */
export function statesAfter(steps: readonly Step[]): Map<string, Buffer>[] {
  const files = new Map<string, FileState>()
  for (const step of steps) apply(files, step)
  let states: Map<string, Buffer>[] = [new Map()]
  for (const [name, file] of files) {
    const contents = contentsOf(file)
    states = states.flatMap((state) => contents.map((one) => new Map(state).set(name, one)))
  }
  return states
}

function apply(files: Map<string, FileState>, step: Step): void {
  if (!('name' in step)) return
  const { name } = step
  const file = files.get(name) ?? { old: NONE, synced: NONE, unsynced: [], sizeBytes: 0 }
  files.set(name, file)
  switch (step.kind) {
    case 'append':
      file.unsynced.push({ at: file.sizeBytes, bytes: step.bytes })
      file.sizeBytes += step.bytes.length
      break
    case 'sync':
      file.synced = appended(file)
      file.unsynced = []
      break
    case 'replace':
      file.synced = step.bytes
      file.unsynced = []
      file.sizeBytes = step.bytes.length
      break
    case 'remove':
      files.delete(name)
      break
    case 'renew': {
      const old = files.get(step.oldName)!
      file.old = whole(old, old.unsynced)
      files.delete(step.oldName)
      break
    }
    case 'truncate':
      file.synced = appended(file).subarray(0, step.sizeBytes)
      file.old = NONE
      file.unsynced = []
      file.sizeBytes = step.sizeBytes
  }
}

/** All subsets of what is not synced, and the last of it torn in some places. */
function contentsOf(file: FileState): Buffer[] {
  const { unsynced } = file
  const contents: Buffer[] = []
  for (let subset = 0; subset < 1 << unsynced.length; subset++) {
    const kept = unsynced.filter((_, index) => (subset & (1 << index)) !== 0)
    contents.push(whole(file, kept))
    const last = kept.at(-1)
    if (last === undefined) continue
    for (const part of [0.1, 0.3, 0.7, 0.95]) {
      const bytes = last.bytes.subarray(0, Math.floor(last.bytes.length * part))
      contents.push(whole(file, [...kept.slice(0, -1), { at: last.at, bytes }], last))
    }
  }
  return contents
}

interface Write {
  readonly at: number
  readonly bytes: Buffer
}

/** With `torn` the last of the writes is what is left of that one. */
function whole(
  { old, synced }: Pick<FileState, 'old' | 'synced'>,
  kept: readonly Write[],
  torn?: Write,
): Buffer {
  const all = [{ at: 0, bytes: synced }, ...kept]
  const endAt = all.reduce((end, { at, bytes }) => Math.max(end, at + bytes.length), old.length)
  const content = Buffer.alloc(endAt)
  old.copy(content)
  for (const [index, { at, bytes }] of all.entries()) {
    bytes.copy(content, at)
    const isTorn = torn !== undefined && index === all.length - 1
    const end = at + bytes.length
    if (bytes.length > 0 && !isTorn) content.subarray(end, end + CLEAR_BYTES).fill(0)
  }
  return content
}

/** Without what was there before. */
function appended({ synced, unsynced }: FileState): Buffer {
  return whole({ old: NONE, synced }, unsynced)
}

/** A disk in memory with this on it. */
export async function diskWith(files: ReadonlyMap<string, Buffer>): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ maxBytes: 2 ** 26 })
  for (const [name, bytes] of files) await (await disk.open(name)).append([bytes])
  return disk
}

export async function filesOf(disk: Disk): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const name of await disk.list()) files.set(name, (await disk.load(name))!)
  return files
}
