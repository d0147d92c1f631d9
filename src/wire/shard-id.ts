// The service names shards `shardId-` and twelve digits; the KPL, and we, reckon with the number.

import { NO_SHARD } from '../record/index.ts'

const PREFIX = 'shardId-'
const DIGIT_COUNT = 12

/** The service's name of shard `number` (an integer ≥ 0). */
export function shardIdOf(number: number): string {
  return PREFIX + String(number).padStart(DIGIT_COUNT, '0')
}

/** The digits after the first `-`, as the KPL reads them; `NO_SHARD` when there are none. */
export function shardNumberOf(shardId: string): number {
  const digits = shardId.slice(shardId.indexOf('-') + 1)
  if (digits === shardId || !/^[0-9]{1,15}$/.test(digits)) return NO_SHARD
  return Number(digits)
}
