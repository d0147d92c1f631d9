// The floor of any server here: a socket that reads what comes and writes one answer for each
// piece, without looking at it. The load's requests come in one piece each.

import { type AddressInfo, createServer } from 'node:net'
import { answerCalls } from '../child.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\ngot it'

const server = createServer({ noDelay: true, highWaterMark: 64 * 1024 }, (socket) => {
  socket.on('data', () => socket.write(ANSWER, 'latin1'))
  socket.on('error', () => socket.destroy())
})

answerCalls({
  start: () =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    }),
})
