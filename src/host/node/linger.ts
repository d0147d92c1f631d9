// The end of a connection whose client is sending still: the rest of a body that nobody wants. To
// close at once would reset the connection, and a reset takes the answer from the client's hands
// (RFC 9112, 9.6). So our side is closed, and what comes is read over for as long as it comes.

import type { Socket } from 'node:net'

/** A client that sends nothing for so long has seen the answer, or never will. */
const QUIET_MS = 2_000
/** As nginx has it: many clients read the answer only when they have sent all. */
const MAX_MS = 30_000

export class Linger {
  #hasMoved = false

  /** The answer has been written; from now on `socket` is ours to close. */
  constructor(socket: Pick<Socket, 'end' | 'destroy' | 'once'>) {
    socket.end()
    let passedMs = 0
    const timer = setInterval(() => {
      passedMs += QUIET_MS
      if (!this.#hasMoved || passedMs >= MAX_MS) socket.destroy()
      this.#hasMoved = false
    }, QUIET_MS)
    socket.once('close', () => clearInterval(timer))
  }

  /** Bytes have come. */
  moved(): void {
    this.#hasMoved = true
  }
}
