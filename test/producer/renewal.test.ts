// Clocks that jump and keys that go bad: the service refuses, the next try is good.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Credentials } from '../../src/wire/index.ts'
import { HandClock } from '../hand-clock.ts'
import { type Line, type LineOptions, line } from './line.ts'

const MINUTE_MS = 60_000
/** Signatures that are older or younger are refused. */
const SERVICE_TOLERANCE_MS = 5 * MINUTE_MS

/** A service with a clock of its own, which it holds signatures against. */
function strictLine(options: LineOptions = {}): Line {
  const running = line(options)
  const { service, clock } = running
  const serviceMs = () => clock.monotonicMs() + new HandClock().wallOffsetMs
  service.script = () => {
    const isOff = Math.abs(signedMs(service.dates.at(-1)!) - serviceMs()) > SERVICE_TOLERANCE_MS
    const date = new Date(serviceMs()).toUTCString()
    return isOff ? { requestError: 'InvalidSignatureException', status: 400, date } : 'store'
  }
  return running
}

/** `20231114T221320Z` to milliseconds since the epoch. */
function signedMs(amzDate: string): number {
  const iso = amzDate.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z')
  return Date.parse(iso)
}

for (const jumpMinutes of [10, -10, 60 * 24, -60 * 24]) {
  test(`after the wall clock has jumped by ${jumpMinutes} min one try is lost, no record`, async () => {
    const running = strictLine()
    running.put('before', 'v')
    await running.runFor(1000)

    running.clock.wallOffsetMs += jumpMinutes * MINUTE_MS
    running.put('after', 'v')
    await running.runFor(1000)
    running.put('later', 'v')
    await running.runFor(1000)
    running.clock.wallOffsetMs -= jumpMinutes * MINUTE_MS
    running.put('back', 'v')
    await running.runFor(1000)

    const codes = running.results.map(({ attempts }) => attempts.map(({ code }) => code))
    const refused = ['InvalidSignatureException', null]
    assert.deepEqual(codes, [[null], refused, [null], refused])
  })
}

test('a jump neither expires a record nor lets it live longer', async () => {
  for (const jumpMs of [10 * MINUTE_MS, -10 * MINUTE_MS]) {
    const running = line({ settings: { recordTtl: 5000 } })
    running.service.script = () => ({ noAnswer: 'connect-failed', isStored: false })
    running.put('k', 'v')
    await running.runFor(2000)
    running.clock.wallOffsetMs += jumpMs
    await running.runFor(2900)
    assert.equal(running.results.length, 0)
    await running.runFor(200)
    assert.equal(running.results.length, 1)
  }
})

function keysNamed(accessKeyId: string): Credentials {
  return { accessKeyId, secretAccessKey: 'secret' }
}

for (const code of ['ExpiredTokenException', 'UnrecognizedClientException']) {
  test(`${code} fetches keys again, and the attempt is told`, async () => {
    let askedCount = 0
    const credentials = () => Promise.resolve(keysNamed(`AKID${++askedCount}`))
    const running = line({ credentials })
    const date = 'Wed, 15 Nov 2023 09:00:00 GMT'
    running.service.script = (n) => (n === 0 ? { requestError: code, status: 400, date } : 'store')
    running.put('k', 'v')

    await running.runFor(2000)

    const codes = running.results[0]!.attempts.map((attempt) => attempt.code)
    assert.deepEqual(codes, [code, null])
    assert.equal(askedCount, 2)
  })
}

test('keys that the service never takes are not fetched for each of its answers', async () => {
  let askedCount = 0
  const credentials = () => Promise.resolve(keysNamed(`AKID${++askedCount}`))
  const code = 'UnrecognizedClientException'
  const running = line({ credentials, settings: { aggregation: 'off', recordTtl: 60_000 } })
  running.service.script = () => ({ requestError: code, status: 400 })
  // Many a second, as a running program adds them.
  for (let i = 0; i < 600; i++) {
    running.put(`k${i}`, 'v')
    await running.runFor(100)
  }

  await running.runFor(70_000)

  // 130 s: the first and the second at once, after 1, 3, 7 and 15 s, and then every 10 s.
  const sentCount = running.service.sent.length
  assert.ok(askedCount <= 18 && sentCount > 50, `asked ${askedCount}, sent ${sentCount}`)
  for (const { attempts } of running.results) {
    const last = attempts.at(-1)!
    assert.equal(last.code, 'Expired')
    assert.deepEqual([...new Set(attempts.slice(0, -1).map((attempt) => attempt.code))], [code])
  }
  assert.equal(running.results.length, 600)
  const entryCount = running.service.sent.reduce((sum, { entries }) => sum + entries.length, 0)
  const toldCount = running.results.reduce((sum, { attempts }) => sum + attempts.length - 1, 0)
  assert.equal(toldCount, entryCount, 'each attempt that is told was sent, and each sent is told')
})

test('what the provider said is told, however little time a request has', async () => {
  const credentials = () => Promise.reject(new Error('no profile'))
  const running = line({ credentials, settings: { recordTtl: 1500, requestTimeout: 700 } })
  running.put('k', 'v')

  await running.runFor(3000)

  const { attempts } = running.results[0]!
  const said = attempts.slice(0, -1).map(({ code, message }) => `${code}: ${message}`)
  assert.ok(said.length > 1)
  assert.deepEqual([...new Set(said.slice(0, -1))], ['CredentialsError: no profile'])
})

test('a signature that is refused although the clock is right means the keys', async () => {
  let askedCount = 0
  const credentials = () => Promise.resolve(keysNamed(`AKID${++askedCount}`))
  const running = line({ credentials })
  const date = new Date(running.clock.wallMs() + 3 * MINUTE_MS).toUTCString()
  running.service.script = (n) =>
    n === 0 ? { requestError: 'InvalidSignatureException', status: 400, date } : 'store'
  running.put('k', 'v')

  await running.runFor(2000)

  assert.ok(running.results[0]!.isDelivered)
  assert.equal(askedCount, 2)
  const skewMs = signedMs(running.service.dates.at(-1)!) - running.clock.wallMs()
  assert.ok(Math.abs(skewMs) < 3000, `signed ${skewMs} ms off`)
})

test('nothing is signed before its connection is free', async () => {
  const settings = { maxConnections: 1, aggregationEnabled: false, collectionMaxCount: 1 }
  const running = line({ settings: { ...settings, recordTtl: 'none', requestTimeout: 600_000 } })
  running.service.latencyMs = 4 * MINUTE_MS
  for (const key of ['a', 'b', 'c']) running.put(key, 'v')

  await running.runFor(30 * MINUTE_MS)

  assert.equal(running.results.length, 3)
  const {
    sent,
    dates,
    dates: { length },
  } = running.service
  for (const [i, { atMs }] of sent.entries()) {
    const signedAtMs = signedMs(dates[length - sent.length + i]!)
    const ageMs = new HandClock().wallOffsetMs + atMs - signedAtMs
    assert.ok(ageMs >= 0 && ageMs < 1000, `signed ${ageMs} ms before it was sent`)
  }
})

test("signed early, the KPL's way, requests grow old in the queue and go though expired", async () => {
  const settings = { maxConnections: 1, aggregationEnabled: false, collectionMaxCount: 1 }
  const early = { ...settings, signing: 'early', recordTtl: 1000, requestTimeout: 600_000 } as const
  const running = line({ settings: early })
  running.service.latencyMs = 4 * MINUTE_MS
  for (const key of ['a', 'b', 'c']) running.put(key, 'v')

  await running.runFor(30 * MINUTE_MS)

  const { sent, dates } = running.service
  const agesMs = sent.map(({ atMs }, i) => {
    const signedAtMs = signedMs(dates[dates.length - sent.length + i]!)
    return new HandClock().wallOffsetMs + atMs - signedAtMs
  })
  const minutes = agesMs.map((ms) => Math.floor(ms / MINUTE_MS))
  // The listing of the shards goes first.
  assert.deepEqual(minutes, [4, 8, 12])
  assert.ok(running.results.every(({ isDelivered }) => isDelivered))
})

test('records expire although the provider of their keys never answers', async () => {
  const running = line({
    credentials: () => new Promise(() => {}),
    settings: { recordTtl: 8000, requestTimeout: 3000 },
  })
  running.put('k', 'v')
  await running.runFor(8000 + 3000)

  const [result] = running.results
  assert.ok(result !== undefined && !result.isDelivered)
  assert.equal(result.code, 'Expired')
  const { code, message } = result.attempts[0]!
  assert.equal(code, 'CredentialsError')
  assert.equal(message, 'The credentials provider has not answered within 3000 ms.')
  assert.equal(running.service.dates.length, 0)
})

test('keys that come later than a request waits for them serve the next one', async () => {
  const { promise, resolve } = Promise.withResolvers<Credentials>()
  let askedCount = 0
  const credentials = () => {
    askedCount++
    return promise
  }
  const running = line({ credentials, settings: { requestTimeout: 1000 } })
  running.put('k', 'v')
  await running.runFor(5000)
  assert.equal(running.results.length, 0)

  resolve(keysNamed('AKID'))
  await running.runFor(6000)

  assert.equal(running.results[0]?.isDelivered, true)
  assert.equal(askedCount, 1, 'one call of the provider, however many requests waited')
})
