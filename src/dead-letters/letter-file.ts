// A file of letters. It is replaced whole, so a crash leaves the old one or the new one, never a
// torn one; only a disk that changes what it confirmed damages it. Then the rest is still found:
//
//   000000000012-9f86d081884c7d65.v1        number, marker, version of the format
//
// Within it stand the spool's frames, one for each letter.

import type { Random } from '../host/index.ts'
import { claimedBytes, FRAME_HEAD_BYTES, isWhole, MARKER_BYTES, sealFrame } from '../spool/index.ts'

const NAME = /^([0-9]{12})-([0-9a-f]{16})\.v([0-9]{1,6})$/
export const FORMAT_VERSION = 1

export interface FileName {
  readonly number: number
  readonly marker: Buffer
  readonly version: number
}

export function fileName(number: number, marker: Buffer): string {
  return `${String(number).padStart(12, '0')}-${marker.toString('hex')}.v${FORMAT_VERSION}`
}

/** Null when it is no name of such a file. */
export function parseFileName(name: string): FileName | null {
  const [, number, marker, version] = NAME.exec(name) ?? []
  if (number === undefined || marker === undefined || version === undefined) return null
  return { number: Number(number), marker: Buffer.from(marker, 'hex'), version: Number(version) }
}

export function newMarker(random: Random): Buffer {
  const marker = Buffer.alloc(MARKER_BYTES)
  marker.writeUInt32BE(random.below(2 ** 32), 0)
  marker.writeUInt32BE(random.below(2 ** 32), 4)
  return marker
}

/** The bytes that a body takes in a file. */
export function frameBytes(bodyBytes: number): number {
  return FRAME_HEAD_BYTES + bodyBytes
}

/** A file with these bodies, each given in pieces. */
export function fileOf(marker: Buffer, bodies: readonly (readonly Uint8Array[])[]): Buffer {
  const lengths = bodies.map((pieces) => pieces.reduce((sum, { length }) => sum + length, 0))
  const file = Buffer.alloc(lengths.reduce((sum, length) => sum + frameBytes(length), 0))
  let position = 0
  for (const pieces of bodies) {
    const at = position
    position += FRAME_HEAD_BYTES
    for (const piece of pieces) {
      file.set(piece, position)
      position += piece.length
    }
    sealFrame(file, { at, end: position }, marker, at)
  }
  return file
}

/** Bytes of a file that are no frame. */
export interface Hole {
  readonly position: number
  readonly bytes: Buffer
}

export interface Scanned {
  readonly bodies: readonly Buffer[]
  readonly holes: readonly Hole[]
}

/** All that can be read of a file, in its order, and what lies between. */
export function scanFile(file: Buffer, marker: Buffer): Scanned {
  const bodies: Buffer[] = []
  const holes: Hole[] = []
  for (let position = 0; position < file.length; ) {
    const end = frameEnd(file, marker, position)
    if (end !== null) {
      bodies.push(file.subarray(position + FRAME_HEAD_BYTES, end))
      position = end
      continue
    }
    const next = nextFrame(file, marker, position + 1)
    holes.push({ position, bytes: file.subarray(position, next) })
    position = next
  }
  return { bodies, holes }
}

/** Where the whole, undamaged frame at this position ends; null when there is none. */
function frameEnd(file: Buffer, marker: Buffer, position: number): number | null {
  if (position + FRAME_HEAD_BYTES > file.length) return null
  const bytes = claimedBytes(file, position, marker, position)
  const end = position + bytes
  return bytes > 0 && end <= file.length && isWhole(file, position, end) ? end : null
}

function nextFrame(file: Buffer, marker: Buffer, from: number): number {
  for (let at = file.indexOf(marker, from); at !== -1; at = file.indexOf(marker, at + 1)) {
    if (frameEnd(file, marker, at) !== null) return at
  }
  return file.length
}
