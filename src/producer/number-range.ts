// Which sequence numbers a shard gives. The service's own are written in 56 decimal digits; as
// hexadecimal ones they begin with the second in which the shard was made and a digit of its name,
// and go on with a counter. So what they begin with bounds them.

export interface NumberRange {
  readonly low: string
  readonly high: string
}

const DIGIT_COUNT = 56
/** Behind the second and the digit: counter, arrival, shard and version, 36 hexadecimal digits. */
const REST = 1n << (4n * 36n)

/** Null when the numbers are not of the layout that we know, as those of some stand-ins. */
export function numberRangeFrom(starting: string | null): NumberRange | null {
  if (starting === null || !/^[1-9][0-9]{55}$/.test(starting)) return null
  const base = BigInt(starting) & ~(REST - 1n)
  const [low, high] = [base.toString(), (base + REST - 1n).toString()]
  return low.length === DIGIT_COUNT && high.length === DIGIT_COUNT ? { low, high } : null
}

/** A number of another length is of another layout, and says nothing. */
export function isWithin({ low, high }: NumberRange, sequenceNumber: string): boolean {
  if (sequenceNumber.length !== DIGIT_COUNT) return true
  return low <= sequenceNumber && sequenceNumber <= high
}
