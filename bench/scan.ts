// What it costs to find a partition key in a JSON body, beside decoding and JSON.parse.
//
//   node bench/scan.ts

import { findJson } from '../src/gateway/json-scan.ts'
import { soughtAt } from '../src/gateway/json-value.ts'

const LOG_PAYLOAD_BYTES = 1612
const ROUNDS = 9
const CALLS = 20_000

function filled(start: string, end: string, bytes: number): Buffer {
  return Buffer.from(start + 'x'.repeat(bytes - start.length - end.length) + end)
}

const fields = Array.from({ length: 40 }, (_, i) => `"field${i}":{"v":${i},"t":"text ${i}"}`)
const CASES: readonly { name: string; body: Buffer; tokens: string[] }[] = [
  {
    name: "the log's payload, early key",
    body: filled('{"foo":{"foopart1":1,"foopart2":2},"bar":"', '"}', LOG_PAYLOAD_BYTES),
    tokens: ['foo', 'foopart1'],
  },
  {
    name: "the log's payload, late key",
    body: filled('{"bar":"', '","foo":{"foopart1":1,"foopart2":2}}', LOG_PAYLOAD_BYTES),
    tokens: ['foo', 'foopart1'],
  },
  {
    name: 'forty small objects, last key',
    body: Buffer.from(`{${fields.join(',')},"user":{"id":"u-1"}}`),
    tokens: ['user', 'id'],
  },
  {
    name: 'forty bytes',
    body: Buffer.from('{"user":{"id":"u-1"},"n":12345678901234}'),
    tokens: ['user', 'id'],
  },
]

const decoder = new TextDecoder('utf-8', { fatal: true })

function parseAndLook(body: Buffer, tokens: readonly string[]): unknown {
  let value = JSON.parse(decoder.decode(body))
  for (const token of tokens) value = value[token]
  return value
}

function microseconds(run: () => unknown): number {
  const start = process.hrtime.bigint()
  for (let i = 0; i < CALLS; i++) run()
  return Number(process.hrtime.bigint() - start) / 1000 / CALLS
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!
}

console.log(`node ${process.version}, median of ${ROUNDS} rounds of ${CALLS} calls, in turn`)
for (const { name, body, tokens } of CASES) {
  const sought = soughtAt(tokens)
  const scans: number[] = []
  const parses: number[] = []
  for (let round = -1; round < ROUNDS; round++) {
    const scan = microseconds(() => findJson(body, sought))
    const parse = microseconds(() => parseAndLook(body, tokens))
    if (round < 0) continue
    scans.push(scan)
    parses.push(parse)
  }
  const [scan, parse] = [median(scans), median(parses)]
  console.log(
    `${name.padEnd(32)} ${body.length} B  scan ${scan.toFixed(2)} us  parse ${parse.toFixed(2)} us  ratio ${(parse / scan).toFixed(1)}`,
  )
}
