// Sockets that read into one piece of memory for all of them. Node makes a buffer of 64 KiB for
// each read, cuts it to what came and leaves it to the collector of garbage: a good part of what a
// small request costs, and most of what a large one does.

import { Socket } from 'node:net'

/** As much as Node reads at once. */
const READ_BYTES = 64 * 1024

const memory = Buffer.allocUnsafeSlow(READ_BYTES)

/** Takes bytes that are its own only until it returns. */
export type TakeLent = (bytes: Buffer) => void

export class LentSocket extends Socket {
  /** Whom what is read goes to, instead of the stream. */
  takeLent: TakeLent | null = null

  constructor(handle: object) {
    const callback = (bytesRead: number) => this.#read(memory.subarray(0, bytesRead))
    // `handle` is how Node itself makes a socket of a connection; it has no other way for one that
    // reads into memory of ours.
    super({ handle, allowHalfOpen: true, onread: { buffer: memory, callback } } as object)
  }

  #read(bytes: Buffer): boolean {
    if (this.takeLent === null) return this.push(Buffer.from(bytes))
    this.takeLent(bytes)
    return true
  }
}

/** The same connection in a socket that lends what it reads; the given one ends with it. */
export function lending(accepted: Socket): Socket {
  const holder = accepted as unknown as { _handle?: object | null }
  const handle = holder._handle
  // Closed meanwhile, or a Node that holds it elsewhere: reading the usual way is only slower.
  if (handle === null || handle === undefined) return accepted
  holder._handle = null
  const socket = new LentSocket(handle)
  // The server counts the one that it made, and whoever closes that one means this one.
  socket.once('close', () => accepted.destroy())
  accepted.once('close', () => socket.destroy())
  return socket
}
