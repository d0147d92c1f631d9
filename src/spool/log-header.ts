// A log begins with a header, which says in which version of the format it is written. When it is
// damaged the log is read all the same, as version 1, and the frames' checksums decide.
//
//    0          8          12               20        28
//    ┌──────────┬──────────┬────────────────┬─────────┬────────┐
//    │ HGSPOOL1 │ version  │ marker         │ created │ crc-32 │
//    │ 8 bytes  │ u32      │ 8 bytes        │ f64     │ u32    │
//    └──────────┴──────────┴────────────────┴─────────┴────────┘

import { crc32 } from 'node:zlib'

export const LOG_HEADER_BYTES = 32
/** Added to whenever what is written changes; all older ones can be read. */
export const FORMAT_VERSION = 1
const MAGIC = 'HGSPOOL1'
const MARKER_AT = 12
const CRC_AT = 28

export function logHeaderOf(marker: Buffer, createdAtMs: number): Buffer {
  const header = Buffer.alloc(LOG_HEADER_BYTES)
  header.write(MAGIC, 0, 'latin1')
  header.writeUInt32BE(FORMAT_VERSION, 8)
  marker.copy(header, MARKER_AT)
  header.writeDoubleBE(createdAtMs, 20)
  header.writeUInt32BE(crc32(header.subarray(0, CRC_AT)), CRC_AT)
  return header
}

/** The version that a whole header tells; null when it is damaged or not all there. */
export function versionIn(header: Buffer): number | null {
  if (header.length < LOG_HEADER_BYTES || header.toString('latin1', 0, 8) !== MAGIC) return null
  const isWhole = header.readUInt32BE(CRC_AT) === crc32(header.subarray(0, CRC_AT))
  return isWhole ? header.readUInt32BE(8) : null
}

/** Whether a whole header is another log's: the file was made out of that one, and not used yet. */
export function isOfAnother(header: Buffer, marker: Buffer): boolean {
  if (versionIn(header) === null) return false
  return marker.compare(header, MARKER_AT, MARKER_AT + marker.length) !== 0
}

/** Written by a later program; nothing is touched. */
export class NewerFormatError extends Error {
  constructor(name: string, version: number) {
    super(
      `${name} is written in version ${version} of the spool's format, and this program knows ` +
        `${FORMAT_VERSION}: start the program that wrote it, or a later one`,
    )
    this.name = 'NewerFormatError'
  }
}
