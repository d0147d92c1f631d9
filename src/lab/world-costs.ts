// What the world of the experiments costs: one set for all of them, derived here and nowhere else.
// The figures come from the log, whose rows stand in the experiments' files. None is chosen for
// one experiment.

import type { HttpRequest } from '../host/index.ts'

export interface WorldCosts {
  /** Of the link up that all connections to the service share. */
  readonly linkMbitPerSecond: number
  /** A connection gets 1/spread to spread times the part of the link that others get. */
  readonly connectionSpread: number
  /** One way between gateway and service, beside the transfer itself. */
  readonly oneWayMs: number
  /** From the end of a request to the beginning of its answer, in the service. */
  readonly serviceMs: number
  /** What one sample takes of the machine that load, gateway and producer run on. */
  readonly sampleMs: number
  /** What the log's service needs to tell of one record that failed. */
  readonly failureMs: number
  /** How much of its write rate an idle shard saves up. */
  readonly writeBurstMs: number
  /** One sync of the machine's disk. */
  readonly syncMs: number
}

/**
 * - The link: on one shard and on four the log delivers about 335 records/s; in base64 they are
 *   335 × 1 612 B × 4/3 = 5.8 Mbit/s. That is the rate of the line, frames and all (see
 *   `bytesOnTheWire`), so 318 records/s get through: what the log's 15 s lines say under full load
 *   (312 to 347).
 * - The spread: with transfers one after the other what is delivered would come in a rhythm. At 50
 *   threads, of 186 records a request 50 would wait 0.45 s (the 0.58 s of the next request less the
 *   0.13 s in which its room is filled) and the others not at all: a standard deviation of
 *   (50/186 × 0.45² - 0.12²)^½ = 0.2 s. The log has 0.37 s, and longest waits of 3 to 5 s. Parts of
 *   a half to twice are what TCP connections on one line have of each other.
 * - The distance: the log's client is on the west coast (its clock is seven hours behind UTC), its
 *   service in us-east-1 (the address 3.91.171.241): some 80 ms there and back. The service: some
 *   50 ms for a PutRecords of 300 KB. Ten requests under way hide both; only `bp-500`, which has
 *   two, is slower for them.
 * - The sample: without back pressure, and with more asked for than it could serve (a thread more
 *   each 15 s, each with 25 000 samples: 1 667/s), the log reaches 1 419.4 samples/s: 0.705 ms each
 *   of a laptop that load generator, gateway and producer share.
 * - The failure: `fail-if-throttled` took 609 116 samples in 884.2 s, of which the samples account
 *   for 429.4 s; 331 119 records had failed by then, each with its lines in the service's log:
 *   (884.2 - 429.4) s / 331 119 = 1.37 ms.
 * - The burst: in `bp-10000-counted` records are as old as their TTL when they arrive, so a shard
 *   that throttled one would have lost it. None was lost, though ten requests of 301 KB can end at
 *   once: 3.0 MB, of which a shard takes 1 MiB/s. So it saves up 3 s at least; AWS documents none.
 * - The disk: 4 ms, what laptops need for a sync that survives power loss. The log has no spool; it
 *   matters for what Headgate does by default.
 */
export const WORLD_COSTS: WorldCosts = {
  linkMbitPerSecond: 5.8,
  connectionSpread: 2,
  oneWayMs: 40,
  serviceMs: 50,
  sampleMs: 0.705,
  failureMs: 1.37,
  writeBurstMs: 3000,
  syncMs: 4,
}

/** Frames of 1 518 bytes carry 1 448 of TCP: Ethernet 18, IPv4 20, TCP 20 and timestamps 12. */
const FRAME_BYTES = 1518
const SEGMENT_BYTES = 1448
/** TLS 1.2 with AES-GCM adds 29 bytes to each 16 KiB. */
const TLS_RECORD_BYTES = 16 * 1024
const TLS_OVERHEAD_BYTES = 29
/** The request line and the ends of lines. */
const REQUEST_LINE_BYTES = 20

/** What a request takes of the line: whole frames, as access lines count. */
export function bytesOnTheWire({ headers, body }: HttpRequest): number {
  let bytes = REQUEST_LINE_BYTES + body.length
  for (const text of headers) bytes += text.length + 2
  const sealed = bytes + Math.ceil(bytes / TLS_RECORD_BYTES) * TLS_OVERHEAD_BYTES
  const segments = Math.ceil(sealed / SEGMENT_BYTES)
  return sealed + segments * (FRAME_BYTES - SEGMENT_BYTES)
}
