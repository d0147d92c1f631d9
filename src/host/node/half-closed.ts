import type { Socket } from 'node:net'

/** Between two questions whether anybody listens still. */
const PROBE_MS = 500

/**
 * The client sends no more: it listens still, or it is gone, and both look alike. An interim answer
 * is overlooked by the one and reset by the other, which the next write then notices. `ask` writes
 * one if an answer is still to come; called now and again and again until the connection is closed.
 */
export function probe(socket: Socket, ask: () => void): void {
  ask()
  const timer = setInterval(ask, PROBE_MS)
  socket.once('close', () => clearInterval(timer))
}
