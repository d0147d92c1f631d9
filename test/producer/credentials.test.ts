import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CredentialsKeeper, type CredentialsProvider } from '../../src/producer/credentials.ts'
import { HandClock } from '../hand-clock.ts'

const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'secret' }

function keeperOf(provider: CredentialsProvider) {
  const clock = new HandClock()
  let askedCount = 0
  const keeper = new CredentialsKeeper(clock, () => {
    askedCount++
    return provider()
  })
  return { clock, keeper, asked: () => askedCount }
}

test('who asks again after a failure waits a second, and then the provider is asked', async () => {
  let isDown = true
  const { clock, keeper, asked } = keeperOf(() =>
    isDown ? Promise.reject(new Error('no profile')) : Promise.resolve(KEYS),
  )
  assert.deepEqual(await keeper.fetch(), { problem: 'no profile' })

  const second = keeper.fetch()
  let isAnswered = false
  second.then(() => {
    isAnswered = true
  })
  await new Promise(setImmediate)
  assert.equal(isAnswered, false)
  assert.equal(asked(), 1)

  isDown = false
  assert.equal(clock.nextAtMs() - clock.monotonicMs(), 1000)
  clock.advanceTo(clock.nextAtMs())
  assert.equal(await second, KEYS)
  assert.equal(asked(), 2)
  assert.equal(keeper.problem, '')
})

test('keys that have not expired serve while their provider is not asked', async () => {
  let isDown = false
  const expiresAtMs = new HandClock().wallMs() + 60_000
  const { clock, keeper, asked } = keeperOf(() =>
    isDown ? Promise.reject(new Error('down')) : Promise.resolve({ ...KEYS, expiresAtMs }),
  )
  await keeper.fetch()
  isDown = true

  for (let i = 0; i < 3; i++) assert.ok('accessKeyId' in (await keeper.fetch()))
  assert.equal(asked(), 2)

  isDown = false
  clock.advanceTo(clock.monotonicMs() + 1_000)
  await keeper.fetch()
  assert.equal(asked(), 3)

  isDown = true
  clock.advanceTo(59_999)
  assert.ok('accessKeyId' in (await keeper.fetch()))
  clock.advanceTo(61_000)
  assert.deepEqual(await keeper.fetch(), { problem: 'down' }, 'they have expired')
})

test('keys that no request can be signed with are a problem that is told', async () => {
  const wallMs = new HandClock().wallMs()
  const cases: [keys: object, problem: string][] = [
    [{ accessKeyId: 'AKID\n' }, 'accessKeyId has a character that no header takes'],
    [{ sessionToken: 'ключ' }, 'sessionToken has a character that no header takes'],
    [{ expiresAtMs: wallMs }, 'the keys have expired'],
  ]
  for (const [keys, problem] of cases) {
    const { keeper } = keeperOf(() => Promise.resolve({ ...KEYS, ...keys }))
    assert.deepEqual(await keeper.fetch(), { problem })
    assert.equal(keeper.problem, problem)
    assert.equal(keeper.current(), null)
  }
  const { keeper } = keeperOf(() => Promise.resolve({ ...KEYS, expiresAtMs: wallMs + 1 }))
  assert.ok('accessKeyId' in (await keeper.fetch()))
})

test('keys that were refused after others came take nothing away', async () => {
  let count = 0
  const { clock, keeper, asked } = keeperOf(() => {
    return Promise.resolve({ ...KEYS, accessKeyId: `A${count++}` })
  })
  const first = await keeper.fetch()
  assert.ok('accessKeyId' in first)

  keeper.forget(first)
  assert.equal(keeper.current(), null)
  await keeper.fetch()
  for (let i = 0; i < 24; i++) {
    keeper.forget(first)
    clock.advanceBy(500)
  }

  assert.equal(keeper.current()?.accessKeyId, 'A1')
  assert.equal(asked(), 2)
})

test('keys that are refused again and again are fetched after 1, 2, 4, 8 s, then every 10 s', async () => {
  const { clock, keeper, asked } = keeperOf(() => Promise.resolve({ ...KEYS }))
  const fetchedAtMs: number[] = []
  for (let i = 0; i < 8; i++) {
    const keys = await keeper.fetch()
    assert.ok('accessKeyId' in keys)
    for (;;) {
      keeper.forget(keys)
      if (keeper.current() === null) break
      clock.advanceBy(1)
    }
    fetchedAtMs.push(clock.monotonicMs())
  }
  assert.deepEqual(fetchedAtMs, [0, 1000, 3000, 7000, 15_000, 25_000, 35_000, 45_000])
  assert.equal(asked(), 8)
})

test('keys that served ten seconds longer than they had to are refused for the first time', async () => {
  const { clock, keeper } = keeperOf(() => Promise.resolve({ ...KEYS }))
  const isFetchedAfter = async (ms: number) => {
    clock.advanceBy(ms)
    keeper.forget(keeper.current()!)
    const isForgotten = keeper.current() === null
    if (isForgotten) await keeper.fetch()
    return isForgotten
  }
  await keeper.fetch()
  assert.equal(await isFetchedAfter(0), true)
  assert.equal(await isFetchedAfter(999), false)
  // In a row, so the next ones wait for two seconds.
  assert.equal(await isFetchedAfter(1 + 9_999), true)
  assert.equal(await isFetchedAfter(1_999), false)
  // Not in a row any more, so the next ones wait for one.
  assert.equal(await isFetchedAfter(1 + 10_000), true)
  assert.equal(await isFetchedAfter(999), false)
  assert.equal(await isFetchedAfter(1), true)
})

test('keys serve until five minutes before they expire, those without an end for good', async () => {
  const expiresAtMs = new HandClock().wallMs() + 3_600_000
  const { clock, keeper } = keeperOf(() => Promise.resolve({ ...KEYS, expiresAtMs }))
  assert.equal(keeper.current(), null)
  await keeper.fetch()

  clock.advanceBy(3_300_000 - 1)
  assert.notEqual(keeper.current(), null)
  clock.advanceBy(1)
  assert.equal(keeper.current(), null)

  const lasting = keeperOf(() => Promise.resolve(KEYS))
  await lasting.keeper.fetch()
  lasting.clock.advanceBy(86_400_000 * 365)
  assert.equal(lasting.keeper.current(), KEYS)
})
