import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLine } from '../src/assemble.ts'
import { readConfig } from '../src/config/index.ts'
import { deadLettersFields } from '../src/dead-letters/index.ts'
import { gatewayFields } from '../src/gateway/index.ts'
import { MemoryDisk, type Random, silentLog } from '../src/host/index.ts'
import { producerFields } from '../src/producer/index.ts'
import { spoolFields } from '../src/spool/index.ts'
import { HandClock } from './hand-clock.ts'

/** How a gateway whose spool remembers keys so answers the head of a request with one. */
async function answerWhere(idempotency: { maxCount?: number; maxAgeMs?: number }) {
  const random: Random = { below: () => 0, fork: () => random }
  const network = { exchange: () => new Promise<never>(() => {}) }
  const host = {
    clock: new HandClock(),
    random,
    disk: new MemoryDisk({ maxBytes: 2 ** 30 }),
    network,
  }
  const config = {
    gateway: readConfig(gatewayFields, {}),
    producer: readConfig(producerFields, {}),
    build: { name: 'headgate', version: '0.0.0', runtime: 'test' },
    spool: readConfig(spoolFields, { overrides: { idempotency } }),
    deadLetters: readConfig(deadLettersFields, {}),
  }
  const keys = async () => ({ accessKeyId: 'a', secretAccessKey: 's' })
  const { gateway } = await openLine(host, config, keys, silentLog)
  const headers = ['idempotency-key', 'k', 'content-length', '2']
  const begun = gateway.begin({ method: 'POST', target: '/mappedIngest/s2', headers })
  return 'status' in begun ? String(begun.body) : 'reads on'
}

test('a gateway whose spool remembers no keys says so instead of overlooking them', async () => {
  assert.equal(await answerWhere({ maxCount: 1, maxAgeMs: 1 }), 'reads on')
  assert.match(await answerWhere({ maxCount: 0 }), /"code":"idempotency-unavailable"/)
  assert.match(await answerWhere({ maxAgeMs: 0 }), /"code":"idempotency-unavailable"/)
})
