import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { run, serving, temporaryDirectory } from './program.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify(body),
  })
}

async function documentAt(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>
}

test('what the README shows works: two records in, read back, counted', async (context) => {
  const directory = temporaryDirectory(context)
  const served = await serving(directory)
  const gateway = served.facts['gateway']!

  const first = await post(`${gateway}/writeToStream`, { streamName: 's1', key: 'k', data: 'v' })
  const body = { foo: { foopart1: 1 }, bar: 'barval' }
  const second = await post(`${gateway}/mappedIngest/s2`, body, { 'headgate-ack': 'delivered' })
  const tail = await run(['tail', 's2', '--count', '1', '--endpoint', served.facts['kinesis']!])
  await settledAt(gateway, 2)
  const receipt = await receiptAt(gateway, first.headers.get('headgate-receipt')!)
  const ledger = await documentAt(`${gateway}/actuator/kinesis`)
  const metrics = await (await fetch(`${gateway}/metrics`)).text()
  const ended = await served.stop('SIGTERM')

  assert.deepEqual([first.status, await first.text()], [200, 'got it'])
  assert.deepEqual([receipt['state'], receipt['shardId']], ['delivered', 'shardId-000000000000'])
  assert.match(metrics, /^headgate_ledger_successes_total 2$/m)
  assert.match(metrics, /^headgate_ledger_imbalance 0$/m)
  assert.match(metrics, /^headgate_producer_open_shards\{stream="s1"\} 1$/m)
  assert.deepEqual([second.status, await second.text()], [200, 'got it'])
  assert.equal(tail.exitCode, 0)
  const record = JSON.parse(tail.out)
  assert.equal(record.partitionKey, '1')
  assert.equal(record.data, '{"foo":{"foopart1":1},"bar":"barval"}')
  assert.equal(record.sequenceNumber, second.headers.get('headgate-sequence-number'))
  assert.equal(record.shardId, 'shardId-000000000000')
  const { attempts, successes, failures, exhausted, outstanding } = ledger
  assert.deepEqual([attempts, successes, failures, exhausted, outstanding], [2, 2, 0, 0, 0])
  assert.equal(ended.exitCode, 0)
})

/** Asks until so many records have been delivered. */
async function settledAt(gateway: string, count: number): Promise<void> {
  for (;;) {
    const ledger = await documentAt(`${gateway}/actuator/kinesis`)
    if (Number(ledger['successes']) >= count) return
  }
}

function receiptAt(gateway: string, receipt: string): Promise<Record<string, unknown>> {
  return documentAt(`${gateway}/receipts/${receipt}`)
}

test('what was answered durable survives kill -9: its receipt, its key, and it is delivered', async (context) => {
  const directory = temporaryDirectory(context)
  const served = await serving(directory, [], { RECORD_MAX_BUFFERED_TIME: '60000' })
  const send = (gateway: string, key: string) => {
    const headers = { 'idempotency-key': `order-${key}` }
    return post(`${gateway}/mappedIngest/s2`, { foo: { foopart1: key } }, headers)
  }
  const receipts: string[] = []
  for (const key of ['a', 'b', 'c']) {
    const answer = await send(served.facts['gateway']!, key)
    assert.equal(answer.status, 200)
    receipts.push(answer.headers.get('headgate-receipt')!)
  }
  const before = await receiptAt(served.facts['gateway']!, receipts[0]!)
  await served.stop('SIGKILL')

  const again = await serving(directory)
  const gateway = again.facts['gateway']!
  await settledAt(gateway, 3)
  const repeated = await send(gateway, 'b')
  const mismatch = await post(
    `${gateway}/mappedIngest/s2`,
    { foo: { foopart1: 'x' } },
    {
      'idempotency-key': 'order-b',
    },
  )
  const tail = await run(['tail', 's2', '--count', '3', '--endpoint', again.facts['kinesis']!])
  const after = await Promise.all(receipts.map((receipt) => receiptAt(gateway, receipt)))
  const ledger = await documentAt(`${gateway}/actuator/kinesis`)
  const ended = await again.stop('SIGTERM')

  assert.equal(before['state'], 'pending')
  assert.equal(new Set(receipts).size, 3)
  assert.equal(repeated.headers.get('headgate-receipt'), receipts[1])
  assert.equal(mismatch.status, 422)
  const records = tail.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(records.map((record) => record.partitionKey).sort(), ['a', 'b', 'c'])
  assert.deepEqual(
    after.map(({ state }) => state),
    ['delivered', 'delivered', 'delivered'],
  )
  const { attempts, successes, outstanding, imbalance } = ledger
  assert.deepEqual([attempts, successes, outstanding, imbalance], [3, 3, 0, 0])
  assert.match(ended.err, /nothing left/)
})

test('without the spool nothing is durable, and the configuration says so', async (context) => {
  const directory = temporaryDirectory(context)
  const { writeFileSync } = await import('node:fs')
  writeFileSync(`${directory}/headgate.yaml`, 'spool: { enabled: false }\n')
  const served = await serving(directory)
  const url = `${served.facts['gateway']}/mappedIngest/s2`
  const durable = await post(url, { foo: { foopart1: 1 } }, { 'headgate-ack': 'durable' })
  const other = await post(url, { foo: { foopart1: 1 } })
  await served.stop('SIGTERM')
  writeFileSync(
    `${directory}/headgate.yaml`,
    'spool: { enabled: false }\nack: { default: durable }\n',
  )
  const ended = await run(['serve'], { cwd: directory })

  assert.equal(durable.status, 400)
  assert.equal(((await durable.json()) as Record<string, unknown>)['code'], 'ack-unavailable')
  assert.ok(other.headers.get('headgate-sequence-number'))
  assert.equal(ended.exitCode, 2)
  assert.match(ended.err, /ack\.default/)
})

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  test(`what was admitted before a ${signal} is delivered, and is there after a restart`, async (context) => {
    const directory = temporaryDirectory(context)
    const served = await serving(directory, [], { RECORD_MAX_BUFFERED_TIME: '60000' })
    const url = `${served.facts['gateway']}/mappedIngest/s2`
    for (const key of ['a', 'b', 'c']) {
      const body = { foo: { foopart1: key } }
      assert.equal((await post(url, body, { 'headgate-ack': 'accepted' })).status, 202)
    }

    const ended = await served.stop(signal)
    const again = await serving(directory)
    const endpoint = again.facts['kinesis']!
    const tail = await run(['tail', 's2', '--count', '3', '--endpoint', endpoint])
    await again.stop('SIGINT')

    assert.equal(ended.exitCode, 0)
    assert.match(ended.err, new RegExp(`"signal":"${signal}"`))
    assert.match(ended.err, /nothing left/)
    const keys = tail.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).partitionKey)
    assert.deepEqual(keys, ['a', 'b', 'c'])
  })
}

test('what cannot be delivered before the stop’s deadline is kept and said, and the exit is 0', async (context) => {
  const directory = temporaryDirectory(context)
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  context.after(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  const served = await serving(directory, ['--endpoint', endpoint], {
    ...keys,
    SHUTDOWN_TIMEOUT_MS: '50',
  })
  const url = `${served.facts['gateway']}/mappedIngest/s2`
  const answer = await post(url, { foo: { foopart1: 1 } }, { 'headgate-ack': 'accepted' })

  const ended = await served.stop('SIGTERM')

  assert.equal(answer.status, 202)
  assert.equal(ended.exitCode, 0)
  assert.match(ended.err, /kept, the next start sends it.*"left":1|"left":1.*kept, the next start/)

  const again = await serving(directory)
  const { err } = await again.stop('SIGTERM')
  assert.match(err, /"records":1,.*records of an earlier start wait to be sent/)
  assert.match(err, new RegExp(`"gateway":"${again.facts['gateway']}".*"msg":"serving"`))
})

test('a second signal ends it at once, and it says so', async (context) => {
  const directory = temporaryDirectory(context)
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  const served = await serving(directory, ['--endpoint', endpoint], keys)
  const { gateway } = served.facts
  await post(`${gateway}/mappedIngest/s2`, { foo: { foopart1: 1 } })

  const first = served.stop('SIGTERM')
  while ((await fetch(`${gateway}/readyz`)).status === 200);
  const ended = await served.stop('SIGTERM')

  assert.equal((await first).exitCode, 1)
  assert.match(ended.err, /stopped at once by a second signal/)
})

test('a bad configuration names every bad field and exits with 2', async (context) => {
  const directory = temporaryDirectory(context)
  const { writeFileSync } = await import('node:fs')
  writeFileSync(
    `${directory}/headgate.yaml`,
    'port: 99999\nbackpressure:\n  threshold: many\nmappings:\n  - { resource: a, stream: "b c", location: body, specification: x }\n' +
      '  - { resource: a, location: body, specification: y }\n',
  )
  const ended = await run(['serve'], { cwd: directory, env: { RECORD_TTL: 'soon' } })
  assert.equal(ended.exitCode, 2)
  for (const part of [
    'headgate.yaml:1: port',
    'headgate.yaml:3: backpressure.threshold',
    'headgate.yaml:5: mappings[0].stream',
    'headgate.yaml:5: mappings[0].specification',
    'headgate.yaml:6: mappings[1].resource: "a": is mapped twice',
    'headgate.yaml:6: mappings[1].stream',
    'headgate.yaml:6: mappings[1].specification',
    'environment RECORD_TTL: producer.recordTtl',
  ]) {
    assert.ok(ended.err.includes(part), `${part} in ${ended.err}`)
  }
})

test('a configuration file that is not there is wrong usage', async () => {
  const ended = await run(['serve', '--config', '/nowhere/headgate.yaml'])
  assert.equal(ended.exitCode, 2)
  assert.match(ended.err, /Cannot read the configuration file \/nowhere\/headgate\.yaml/)
})

test('the environment names of the log’s service work', async (context) => {
  const directory = temporaryDirectory(context)
  const served = await serving(directory, [], {
    FAIL_IF_THROTTLED: 'true',
    RATE_LIMIT: '100',
    RECORD_MAX_BUFFERED_TIME: '3000',
    RECORD_TTL: '10000',
    BACKPRESSURE_BUFFER_THRESHOLD: '500',
  })
  const kpl = await documentAt(`${served.facts['gateway']}/actuator/kpl`)
  await served.stop('SIGTERM')
  const { failIfThrottled, rateLimit, recordMaxBufferedTime, recordTtl } = kpl[
    'configuration'
  ] as Record<string, unknown>
  assert.deepEqual(
    [failIfThrottled, rateLimit, recordMaxBufferedTime, recordTtl],
    [true, 100, 3000, 10_000],
  )
})

test('a port that is taken is said, with what to do, and nothing stays open', async (context) => {
  const directory = temporaryDirectory(context)
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  context.after(() => other.close())
  const { port } = other.address() as AddressInfo

  const ended = await run(['serve', '--port', String(port), '--kinesis-port', '0'], {
    cwd: directory,
  })
  const kinesis = await run(['kinesis', '--port', String(port)], { cwd: directory })

  assert.equal(ended.exitCode, 1)
  assert.match(ended.err, /EADDRINUSE.*--port/s)
  assert.equal(kinesis.exitCode, 1)
  assert.match(kinesis.err, /another port \(--kinesis-port; of "headgate kinesis", --port\)/)
})

test('two processes do not share a data directory', async (context) => {
  const directory = temporaryDirectory(context)
  const served = await serving(directory)
  const second = await run(['serve', '--port', '0', '--kinesis-port', '0'], { cwd: directory })
  await served.stop('SIGTERM')
  assert.equal(second.exitCode, 1)
  assert.match(second.err, /\.headgate/)
})
