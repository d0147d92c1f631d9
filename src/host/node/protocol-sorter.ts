// One port for HTTP/1.1 and HTTP/2: who speaks HTTP/2 without TLS begins with a fixed line.

import type { Socket } from 'node:net'

/** RFC 9113, 3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/**
 * Looks at the first bytes of a connection before anybody else does. One that says nothing for
 * `timeoutMs`, or stops within the fixed line, is closed.
 */
export function sortConnection(
  socket: Socket,
  timeoutMs: number,
  decided: (isHttp2: boolean) => void,
): void {
  let seen: Buffer = Buffer.alloc(0)
  const close = () => socket.destroy()
  const timeout = setTimeout(close, timeoutMs)
  const look = () => {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) return
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
    const length = Math.min(seen.length, PREFACE.length)
    const isLikePreface = seen.compare(PREFACE, 0, length, 0, length) === 0
    if (isLikePreface && length < PREFACE.length) return
    leave()
    socket.unshift(seen)
    decided(isLikePreface)
  }
  const leave = () => {
    clearTimeout(timeout)
    socket.off('readable', look)
    socket.off('end', close)
    socket.off('error', close)
    socket.off('close', leave)
  }
  socket.on('readable', look)
  socket.on('end', close)
  socket.on('error', close)
  socket.on('close', leave)
}
