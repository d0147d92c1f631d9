import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LabWorld } from '../../src/lab/lab-world.ts'
import { SharedLink } from '../../src/lab/shared-link.ts'

interface Sending {
  readonly bytes: number
  readonly atMs: number
  readonly weight?: number
  readonly stopAtMs?: number
}

/** When each transfer ended on a link of 1 000 bytes/s; null: never. */
async function endsOf(sendings: readonly Sending[]): Promise<(number | null)[]> {
  const world = new LabWorld()
  const link = new SharedLink(world, 1000)
  const ends: (number | null)[] = sendings.map(() => null)
  for (const [index, { bytes, atMs, weight = 1, stopAtMs }] of sendings.entries()) {
    world.schedule(atMs, () => {
      const transfer = link.carry(bytes, weight, () => {
        ends[index] = Math.round(world.nowMs * 1000) / 1000
      })
      if (stopAtMs !== undefined) world.schedule(stopAtMs, () => transfer.stop())
    })
  }
  await world.run(() => false)
  return ends
}

test('a transfer alone has the whole link', async () => {
  assert.deepEqual(await endsOf([{ bytes: 500, atMs: 100 }]), [600])
})

test('two transfers share it, and the second has it all when the first has ended', async () => {
  const ends = await endsOf([
    { bytes: 1000, atMs: 0 },
    { bytes: 1000, atMs: 500 },
  ])

  assert.deepEqual(ends, [1500, 2000])
})

test('parts go by weight', async () => {
  const ends = await endsOf([
    { bytes: 300, atMs: 0, weight: 3 },
    { bytes: 300, atMs: 0, weight: 1 },
  ])

  assert.deepEqual(ends, [400, 600])
})

test('a transfer that is stopped leaves its part to the others', async () => {
  const ends = await endsOf([
    { bytes: 1000, atMs: 0, stopAtMs: 200 },
    { bytes: 1000, atMs: 0 },
  ])

  assert.deepEqual(ends, [null, 1100])
})

test('the link is never faster than its rate, however transfers come and go', async () => {
  const sendings = Array.from({ length: 50 }, (_, i) => ({
    bytes: 10 + ((i * 37) % 90),
    atMs: (i * 13) % 400,
    weight: 0.5 + (i % 4) / 2,
  }))
  const total = sendings.reduce((sum, { bytes }) => sum + bytes, 0)

  const ends = await endsOf(sendings)

  assert.ok(Math.max(...ends.map(Number)) >= total)
  assert.ok(Math.max(...ends.map(Number)) <= total + 400)
})
