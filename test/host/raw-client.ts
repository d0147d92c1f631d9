// A listener with a service that records, and a client that sends bytes as they are.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type Listening, type ListenOptions, listen } from '../../src/host/node/index.ts'
import { RecordingService } from './recording-service.ts'

export interface Fixture {
  readonly service: RecordingService
  readonly listening: Listening
  readonly url: string
}

export async function start(
  t: TestContext,
  options: Partial<ListenOptions> = {},
): Promise<Fixture> {
  const service = new RecordingService()
  const listening = await listen(service, { host: '127.0.0.1', port: 0, ...options })
  t.after(() => listening.close(0))
  return { service, listening, url: `http://127.0.0.1:${listening.port}` }
}

/** Sends bytes as they are and gives back all that comes until the other side closes. */
export async function talk({ listening }: Fixture, ...parts: string[]): Promise<string> {
  const socket = await dial(listening)
  for (const part of parts) socket.write(part)
  return readAll(socket)
}

export async function dial({ port }: Listening): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

export async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}
