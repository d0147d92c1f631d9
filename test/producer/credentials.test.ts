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
  clock.advanceTo(clock.nextAtMs())
  assert.equal(await second, KEYS)
  assert.equal(asked(), 2)
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
})
