// The files of the letters on the disk: found at a start, read, and replaced whole.

import type { Disk, Log, Random } from '../host/index.ts'
import { decodeLetter, encodeLetter, type KeptLetter, numberOf } from './letter.ts'
import {
  FORMAT_VERSION,
  fileName,
  fileOf,
  frameBytes,
  newMarker,
  parseFileName,
  scanFile,
} from './letter-file.ts'

/** Bytes that cannot be read are put here, to be looked at; nobody removes them but a person. */
const ASIDE_FOLDER = 'damaged'

export interface LetterFile {
  readonly number: number
  readonly name: string
  readonly marker: Buffer
  sizeBytes: number
}

export interface Rewriting {
  /** Numbers of letters that go. */
  readonly gone: ReadonlySet<number>
  readonly added: readonly KeptLetter[]
}

export interface Found {
  readonly letter: KeptLetter
  readonly file: LetterFile
}

export class NewerVersionError extends Error {
  constructor(name: string, version: number) {
    super(
      `${name} was written by a newer Headgate (format ${version}; this one knows ${FORMAT_VERSION}). ` +
        'Nothing was changed. Start the newer one.',
    )
    this.name = 'NewerVersionError'
  }
}

export class LetterShelf {
  readonly #disk: Disk
  readonly #random: Random
  readonly #log: Log
  #lastNumber = 0
  /** What has been put aside, now or before. */
  damagedBytes = 0

  constructor(disk: Disk, random: Random, log: Log) {
    this.#disk = disk
    this.#random = random
    this.#log = log
  }

  /**
   * Reads every file, oldest first, and hands out what it holds. Damaged places are put aside and
   * their file is written anew. Rejects with `NewerVersionError`, or when the disk cannot list.
   */
  async recover(found: (one: Found) => void): Promise<readonly LetterFile[]> {
    const names = await this.#disk.list()
    const files = names.flatMap((name) => {
      const parsed = parseFileName(name)
      if (parsed === null) return []
      if (parsed.version > FORMAT_VERSION) throw new NewerVersionError(name, parsed.version)
      return [{ name, number: parsed.number, marker: parsed.marker, sizeBytes: 0 }]
    })
    files.sort((a, b) => a.number - b.number)
    this.#lastNumber = files.at(-1)?.number ?? 0
    for (const name of names) {
      if (name.startsWith(`${ASIDE_FOLDER}/`)) {
        this.damagedBytes += (await this.#disk.load(name))?.length ?? 0
      }
    }
    for (const file of files) await this.#recoverFile(file, found)
    return files.filter(({ sizeBytes }) => sizeBytes > 0)
  }

  newFile(): LetterFile {
    const number = ++this.#lastNumber
    const marker = newMarker(this.#random)
    return { number, name: fileName(number, marker), marker, sizeBytes: 0 }
  }

  /** The letters of a file that can be read. */
  async read(file: LetterFile): Promise<readonly KeptLetter[]> {
    const bytes = await this.#load(file)
    return scanFile(bytes, file.marker).bodies.map(decodeLetter)
  }

  /**
   * Replaces a file by one without some letters and with others, durably; no letters, no file.
   * Resolves with the numbers that are in it now.
   */
  async rewrite(file: LetterFile, { gone, added }: Rewriting): Promise<ReadonlySet<number>> {
    const bytes = file.sizeBytes === 0 ? Buffer.alloc(0) : await this.#load(file)
    const { bodies, holes } = scanFile(bytes, file.marker)
    for (const { position, bytes: damaged } of holes) await this.#putAside(file, position, damaged)
    const kept = bodies.filter((body) => !gone.has(numberOf(body)))
    const pieces = [...kept.map((body) => [body]), ...added.map(encodeLetter)]
    if (pieces.length === 0) {
      await this.#disk.remove(file.name)
      file.sizeBytes = 0
    } else {
      const next = fileOf(file.marker, pieces)
      await this.#disk.replace(file.name, next)
      file.sizeBytes = next.length
    }
    return new Set([...kept.map(numberOf), ...added.map(({ number }) => number)])
  }

  async #load(file: LetterFile): Promise<Buffer> {
    return (await this.#disk.load(file.name)) ?? Buffer.alloc(0)
  }

  async #recoverFile(file: LetterFile, found: (one: Found) => void): Promise<void> {
    try {
      const bytes = await this.#load(file)
      file.sizeBytes = bytes.length
      const { bodies, holes } = scanFile(bytes, file.marker)
      for (const body of bodies) found({ letter: decodeLetter(body), file })
      if (holes.length > 0) await this.rewrite(file, { gone: NOTHING, added: [] })
    } catch (error) {
      // It stays as it is, and is tried again at the next start.
      const reason = (error as Error).message
      this.#log.error('a file of dead letters cannot be read now', { file: file.name, reason })
    }
  }

  async #putAside(file: LetterFile, position: number, bytes: Buffer): Promise<void> {
    const name = `${ASIDE_FOLDER}/${file.name}-${position}`
    await this.#disk.replace(name, bytes)
    this.damagedBytes += bytes.length
    this.#log.error('dead letters are damaged; the bytes that cannot be read are put aside', {
      file: file.name,
      position,
      damagedBytes: bytes.length,
      aside: name,
    })
  }
}

const NOTHING: ReadonlySet<number> = new Set()

/** What a letter takes on the disk. */
export function letterBytes(letter: KeptLetter): number {
  return frameBytes(encodeLetter(letter).reduce((sum, { length }) => sum + length, 0))
}
