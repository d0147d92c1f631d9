import type { HashKey } from '../record/index.ts'

const view = new DataView(new ArrayBuffer(16))

/**
 * The canonical decimal of a hash key, as its own `toString` writes it. Every entry of a request
 * carries one: two bigints taken from memory cost half of four shifted together.
 */
export function decimalOf(key: HashKey): string {
  view.setUint32(0, key.w0)
  view.setUint32(4, key.w1)
  view.setUint32(8, key.w2)
  view.setUint32(12, key.w3)
  return ((view.getBigUint64(0) << 64n) | view.getBigUint64(8)).toString()
}
