import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANEW_MIN_MS, drawLineSettings } from '../../src/sim/draw-settings.ts'
import { SimRandom } from '../../src/sim/sim-random.ts'

test('no two streams of one name can be of one second', () => {
  let anewCount = 0
  for (let seed = 1; seed <= 1_000; seed++) {
    const { mishaps } = drawLineSettings(new SimRandom(seed))
    const anew = mishaps.find(({ kind }) => kind === 'a stream is made anew')
    if (anew === undefined) continue
    anewCount++
    assert.ok(anew.atMs >= ANEW_MIN_MS, `seed ${seed}: a stream is made anew at ${anew.atMs} ms`)
    const isJump = mishaps.some((one) => one.kind === 'a wall clock jumps' && one.node === null)
    assert.equal(isJump, false, `seed ${seed}: the clock of Kinesis jumps`)
  }
  assert.ok(anewCount > 50, `${anewCount} of 1000 worlds make a stream anew`)
})
