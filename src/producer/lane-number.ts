// The name of a shard among the shards of all streams, as a number: for whoever keeps records apart
// by where they will land. Two streams whose names hash alike share lanes, which does no harm.

import { NO_SHARD } from '../record/index.ts'

/** Shards told apart within a stream; a number stays below 2^53. */
const SHARDS = 2 ** 21

/** FNV-1a of the name, out of the way of the shards. */
export function laneBaseOf(stream: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < stream.length; i++) {
    hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193)
  }
  return (hash >>> 0) * SHARDS
}

export function laneOf(laneBase: number, shard: number): number {
  return laneBase + ((shard - NO_SHARD) % SHARDS)
}
