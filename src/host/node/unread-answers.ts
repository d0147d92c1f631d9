// Clients that do not read what they are answered: nothing else looks after a connection that has
// bytes to send, and it would be held, with its file and its memory, as long as its client likes.

import type { Socket } from 'node:net'

interface Unread {
  bytes: number
  sinceMs: number
}

export class UnreadAnswers {
  readonly #sockets = new Set<Socket>()
  readonly #timeoutMs: number
  /** Those that had something to send when it was looked last. */
  readonly #seen = new Map<Socket, Unread>()
  readonly #timer: NodeJS.Timeout

  /** Cuts connections whose client takes nothing for `timeoutMs`; looks every `sweepMs`. */
  constructor(timeoutMs: number, sweepMs: number) {
    this.#timeoutMs = timeoutMs
    this.#timer = setInterval(() => this.#sweep(performance.now()), sweepMs)
    this.#timer.unref()
  }

  watch(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sweep(nowMs: number): void {
    for (const socket of this.#seen.keys()) {
      if (socket.writableLength === 0 || !this.#sockets.has(socket)) this.#seen.delete(socket)
    }
    for (const socket of this.#sockets) {
      const bytes = socket.writableLength
      if (bytes === 0) continue
      const seen = this.#seen.get(socket)
      if (seen?.bytes !== bytes) this.#seen.set(socket, { bytes, sinceMs: nowMs })
      else if (nowMs - seen.sinceMs >= this.#timeoutMs) socket.destroy()
    }
  }
}
