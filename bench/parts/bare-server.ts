// The baseline of the gateway: a bare `node:http` server that reads the body and answers. Set up
// as ours is, so that the difference is what we do and not how the socket is tuned.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerCalls } from '../child.ts'

const ANSWER = Buffer.from('got it')

const server = createServer(
  { noDelay: true, highWaterMark: 64 * 1024, keepAliveTimeout: 65_000 },
  (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      if (body.length === 0) response.statusCode = 400
      response.setHeader('content-type', 'text/plain')
      response.setHeader('content-length', ANSWER.length)
      response.end(ANSWER)
    })
  },
)

answerCalls({
  start: () =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    }),
})
