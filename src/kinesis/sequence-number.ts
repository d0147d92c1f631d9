// Sequence numbers, in the layout of the service's version 2, as hexadecimal digits:
//
//   ┌───┬────────────────────┬────────────┬─────────┬────┬──────────────────┬─────────┬───┐
//   │ 2 │ creation second: 9 │ shard: 1   │ counter │ 00 │ arrival second:  │ shard:  │ 2 │
//   │   │ of the shard       │ low digit  │ 16      │    │ 9                │ 8       │   │
//   └───┴────────────────────┴────────────┴─────────┴────┴──────────────────┴─────────┴───┘
//
// 47 digits, printed as a decimal of 56. The counter stands before the arrival second, so the
// numbers of a shard rise with its counter alone, whatever the wall clock does.

/** The counter of a shard's StartingSequenceNumber; its first record has the next. */
export const FIRST_COUNTER = 0
/** The counter in an EndingSequenceNumber, above any record's: the service's. */
const ENDING_COUNTER = 0x7fff_ffff_ffff_ffffn
/** What stands for it among the counters that we reckon with. */
const LAST_COUNTER = Number.MAX_SAFE_INTEGER

const COUNTER_SHIFT = 4n * 20n
const SECOND_MAX = 2 ** 36 - 1

export class SequenceNumbers {
  readonly #shardNumber: number
  readonly #creationSecond: number
  #second = -1
  /** The number with counter zero in `#second`: a shard's records share it for a second. */
  #base = 0n

  constructor(shardNumber: number, creationAtMs: number) {
    this.#shardNumber = shardNumber
    this.#creationSecond = secondOf(creationAtMs)
  }

  /** The decimal text of a record's number. */
  textOf(counter: number, arrivalAtMs: number): string {
    const second = secondOf(arrivalAtMs)
    if (second !== this.#second) {
      this.#second = second
      this.#base = this.#baseOf(second)
    }
    return (this.#base + (BigInt(counter) << COUNTER_SHIFT)).toString()
  }

  /** The number with which a shard that is closed at that instant ends. */
  endText(closedAtMs: number): string {
    return (this.#baseOf(secondOf(closedAtMs)) + (ENDING_COUNTER << COUNTER_SHIFT)).toString()
  }

  /** Whether a number can have come from this shard. */
  areSource({ shardNumber, creationSecond }: ParsedSequenceNumber): boolean {
    return shardNumber === this.#shardNumber && creationSecond === this.#creationSecond
  }

  #baseOf(second: number): bigint {
    const shard = this.#shardNumber.toString(16)
    return BigInt(
      `0x2${hex(this.#creationSecond, 9)}${shard.slice(-1)}${hex(0, 16)}00${hex(second, 9)}` +
        `${shard.padStart(8, '0')}2`,
    )
  }
}

export interface ParsedSequenceNumber {
  readonly shardNumber: number
  readonly creationSecond: number
  readonly counter: number
  readonly arrivalSecond: number
}

/** Takes a sequence number apart, or gives null when it is none of this layout. */
export function parseSequenceNumber(text: string): ParsedSequenceNumber | null {
  if (!/^[1-9][0-9]{55}$/.test(text)) return null
  const digits = BigInt(text).toString(16)
  const parts = /^2(.{9})(.)(.{16})00(.{9})(.{8})2$/.exec(digits)
  if (parts === null) return null
  const [, creation, low, counterDigits, arrival, shard] = parts
  const isEnding = BigInt(`0x${counterDigits}`) === ENDING_COUNTER
  const counter = isEnding ? LAST_COUNTER : Number.parseInt(counterDigits!, 16)
  if (!Number.isSafeInteger(counter) || shard!.slice(-1) !== low) return null
  return {
    shardNumber: Number.parseInt(shard!, 16),
    creationSecond: Number.parseInt(creation!, 16),
    counter,
    arrivalSecond: Number.parseInt(arrival!, 16),
  }
}

/** Nine hexadecimal digits hold it; a clock that stands before 1970 counts as 1970. */
function secondOf(atMs: number): number {
  return Math.min(SECOND_MAX, Math.max(0, Math.floor(atMs / 1000)))
}

function hex(value: number, digitCount: number): string {
  return value.toString(16).padStart(digitCount, '0')
}
