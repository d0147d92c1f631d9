import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REQUEST_LOG_MS, RequestLog } from '../../src/producer/request-log.ts'
import type { Exchange } from '../../src/producer/sender.ts'
import { RecordingLog } from '../recording-log.ts'
import { line } from './line.ts'

function exchange(code: string | null, endAtMs: number): Exchange {
  const refusal = { code: code ?? '', message: 'scripted', mayBeWritten: false }
  return { records: [], startAtMs: 0, endAtMs, result: code === null ? { entries: [] } : refusal }
}

const FAIL = 'warn requests to the service fail; the last of them'
const AGAIN = 'info requests to the service succeed again'

test('a service that is away is told at once, then once a minute, and when it is back', () => {
  const log = new RecordingLog()
  const requests = new RequestLog('s', log)
  for (let atMs = 0; atMs < REQUEST_LOG_MS; atMs += 100) {
    requests.ended(exchange('ConnectFailed', atMs))
  }
  assert.deepEqual(log.lines, [FAIL])
  requests.ended(exchange('ConnectFailed', REQUEST_LOG_MS))
  assert.deepEqual(log.lines, [FAIL, FAIL])
  requests.ended(exchange(null, REQUEST_LOG_MS + 1))
  requests.ended(exchange(null, REQUEST_LOG_MS + 2))
  assert.deepEqual(log.lines, [FAIL, FAIL, AGAIN])
})

test('each line counts the requests that failed since the service took one', () => {
  const counts: unknown[] = []
  const tell = (_message: string, fields?: object) => counts.push(fields && Object(fields).failed)
  const requests = new RequestLog('s', { info: tell, warn: tell, error: tell })
  for (const fromMs of [0, REQUEST_LOG_MS]) {
    for (let i = 0; i < 3; i++) requests.ended(exchange('ConnectFailed', fromMs + i))
    requests.ended(exchange(null, fromMs + 3))
  }
  assert.deepEqual(counts, [1, 3, 1, 3])
})

test('one that fails now and then gets two lines a minute', () => {
  const log = new RecordingLog()
  const requests = new RequestLog('s', log)
  for (let atMs = 0; atMs < 2 * REQUEST_LOG_MS; atMs += 100) {
    requests.ended(exchange(atMs % 200 === 0 ? 'InternalFailure' : null, atMs))
  }
  assert.deepEqual(log.lines, [FAIL, AGAIN, FAIL, AGAIN])
})

test('what ends records is told where they die: a poisoned one, a stream that is not there', () => {
  const log = new RecordingLog()
  const requests = new RequestLog('s', log)
  requests.ended(exchange('ValidationException', 0))
  requests.ended(exchange('ResourceNotFoundException', 0))
  assert.deepEqual(log.lines, [])
})

test('the line tells it', async () => {
  const log = new RecordingLog()
  const running = line({ log })
  running.service.script = (number) =>
    number === 0 ? { requestError: 'InternalFailure', status: 500 } : 'store'
  running.put('k', 'v')
  await running.runFor(5000)
  assert.equal(running.results[0]?.isDelivered, true)
  assert.deepEqual(
    log.lines.filter((text) => text.includes('requests')),
    [FAIL, AGAIN],
  )
})
