// Protobuf's integers: seven bits a byte, the lowest first, the top bit set on all but the last.

/** Bytes that `value` (an integer in 0..2^53-1) takes. */
export function varintBytes(value: number): number {
  let count = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count++
  return count
}

/** Writes `value` (0..2^31-1) at `at`; answers the end. */
export function writeVarint(value: number, into: Uint8Array, at: number): number {
  let rest = value
  let end = at
  while (rest >= 0x80) {
    into[end++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  into[end++] = rest
  return end
}
