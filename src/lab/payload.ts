// The body that is sent: JSON of an exact size, in which the mapping of `s2` finds its key.

const KEY = '1'
const HEAD = `{"foo":{"foopart1":"${KEY}"},"padding":"`
const TAIL = '"}'

/** The smallest body that can be asked for. */
export const PAYLOAD_MIN_BYTES = HEAD.length + TAIL.length

export function payloadOf(bytes: number): Buffer {
  return Buffer.from(HEAD + 'x'.repeat(bytes - PAYLOAD_MIN_BYTES) + TAIL)
}

/** Where the load's requests go to. */
export const TARGET_PATH = '/mappedIngest/s2'
/** The header that carries the key where each request has its own. */
export const KEY_HEADER = 'lab-key'
export const STREAM = 's2'
