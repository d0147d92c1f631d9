// A process that may have few files open, and clients that would take them all.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from './program.ts'

const BIN = fileURLToPath(new URL('../../bin/headgate.js', import.meta.url))
const FILES_MAX = 128
const CLIENT_COUNT = 200

test('clients that open more connections than there are files do not take those of the disk', async (t) => {
  const serve = `'${process.execPath}' '${BIN}' serve --port 0 --kinesis-port 0 --json`
  const child = spawn('sh', ['-c', `ulimit -n ${FILES_MAX} && exec ${serve}`], {
    cwd: temporaryDirectory(t),
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  const warned = once(createInterface({ input: child.stderr }), 'line')
  const [first] = await once(createInterface({ input: child.stdout }), 'line')
  const port = Number(new URL(JSON.parse(String(first)).gateway).port)
  const sockets: Socket[] = []
  t.after(() => sockets.forEach((socket) => void socket.destroy()))
  for (let i = 0; i < CLIENT_COUNT; i++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    sockets.push(socket)
  }

  const sent = request({
    createConnection: () => sockets[0]!,
    path: '/mappedIngest/s2',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  sent.end('{"foo":{"foopart1":1}}')
  const [answer] = await once(sent, 'response')
  assert.equal(answer.statusCode, 200)
  const open = sockets.filter(({ readyState }) => readyState === 'open').length
  assert.ok(open <= FILES_MAX / 2, `${open} are open`)
  const { msg, closed } = JSON.parse(String((await warned)[0]))
  const told = 'connections are closed as they come, because as many are open as may be'
  assert.deepEqual([msg, closed], [told, 1])
  sockets[1]!.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n')
  const [text] = await once(sockets[1]!, 'data')
  const counted = /^headgate_closed_connections_total (\d+)$/m.exec(String(text))
  assert.ok(Number(counted?.[1]) >= CLIENT_COUNT - FILES_MAX / 2)
})
