// The load generator of live experiments: a process of its own, so that its work is not the
// gateway's. Started by lab-live.ts, which it tells what it measures; see `FromGenerator`.

import { randomBytes } from 'node:crypto'
import { Agent, type RequestOptions, request } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { NodeRandom } from '../host/node/index.ts'
import { ClosedLoad, type Ending, OpenLoad, payloadOf, Samples, type Target } from '../lab/index.ts'
import { type FromGenerator, pack, type ToGenerator } from './lab-messages.ts'

/** How often the parent is told. */
const TELL_EVERY_MS = 250
/** An answer that has not come by then will not come. */
const ANSWER_TIMEOUT_MS = 120_000

type Start = Extract<ToGenerator, { type: 'start' }>

process.on('message', (message: ToGenerator) => {
  if (message.type === 'start') start(message)
})

function start({ load, url, headers, keyHeader, payloadBytes }: Start): void {
  const startedAtMs = performance.now()
  const nowMs = () => performance.now() - startedAtMs
  const clock = {
    nowMs,
    schedule: (atMs: number, task: () => void) =>
      void setTimeout(task, Math.max(0, atMs - nowMs())),
  }
  const samples = new Samples()
  const target = httpTarget(new URL(url), headers, keyHeader, payloadOf(payloadBytes))
  const stopAfterSamples = load.stopAfterSamples === 'none' ? null : load.stopAfterSamples
  const plan = { ...load, stopAfterSamples }
  const running =
    load.loop === 'closed'
      ? new ClosedLoad(plan, clock, target, samples)
      : new OpenLoad(plan, { clock, random: new NodeRandom() }, target, samples)
  process.on('message', (message: ToGenerator) => {
    if (message.type === 'stop') running.stop()
  })
  running.start()
  tellOf(running, samples)
}

function tellOf(running: ClosedLoad | OpenLoad, samples: Samples): void {
  let toldCount = 0
  let before = performance.eventLoopUtilization()
  const tell = () => {
    const now = performance.eventLoopUtilization()
    const busy = performance.eventLoopUtilization(now, before).utilization
    before = now
    send({
      type: 'told',
      samples: pack(samples, toldCount),
      begun: running.begunCount,
      planned: running.plannedCount,
      active: running.activeCount,
      busy,
      lateMs: running instanceof OpenLoad ? running.takeLateMs() : 0,
      isOver: running.isOver,
    })
    toldCount = samples.count
    if (!running.isOver) setTimeout(tell, TELL_EVERY_MS)
    // The message is on its way before the channel closes.
    else setTimeout(() => process.disconnect(), TELL_EVERY_MS)
  }
  setTimeout(tell, TELL_EVERY_MS)
}

function send(message: FromGenerator): void {
  process.send!(message)
}

function httpTarget(
  url: URL,
  headers: Readonly<Record<string, string>>,
  keyHeader: string | null,
  body: Buffer,
): Target {
  const isTls = url.protocol === 'https:'
  const agent = isTls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true })
  const { pathname, search, hostname, port } = url
  const common: RequestOptions = { agent, hostname, port, path: pathname + search, method: 'POST' }
  const fixed = { ...headers, 'content-length': String(body.length) }
  const begin = isTls ? tlsRequest : request
  const headBytes = Object.entries(fixed).reduce((sum, [k, v]) => sum + k.length + v.length + 4, 0)
  const lineBytes = `POST ${pathname}${search} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`.length
  const keyBytes = keyHeader === null ? 0 : keyHeader.length + 32 + 4
  return {
    sentBytes: lineBytes + headBytes + keyBytes + body.length,
    send(_thread, done) {
      const own = keyHeader === null ? {} : { [keyHeader]: randomBytes(16).toString('hex') }
      let isDone = false
      const end = (ending: Ending) => {
        if (!isDone) done(ending)
        isDone = true
      }
      const asked = begin({ ...common, headers: { ...fixed, ...own } }, (answer) => {
        let bytes = answer.rawHeaders.reduce((sum, text) => sum + text.length + 2, 0)
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        answer.on('end', () => end({ status: answer.statusCode ?? 0, receivedBytes: bytes }))
        answer.on('error', () => end({ status: 0, receivedBytes: bytes }))
      })
      asked.setTimeout(ANSWER_TIMEOUT_MS, () => asked.destroy())
      asked.on('error', () => end({ status: 0, receivedBytes: 0 }))
      asked.end(body)
    },
  }
}
