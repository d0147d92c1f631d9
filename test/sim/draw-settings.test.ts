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

test('ids are in headers, in bodies and nowhere, and the clients know where', () => {
  const repeating = new Map<string | null, number>()
  for (let seed = 1; seed <= 300; seed++) {
    for (const { clients, gateway, spool } of drawLineSettings(new SimRandom(seed)).nodes) {
      const places = new Set(gateway.mappings.map(({ recordId }) => recordId?.location ?? null))
      for (const { recordIds, tryCount, door } of clients) {
        assert.deepEqual([...places], [recordIds])
        assert.ok(recordIds === null || spool !== null, 'nothing would remember them')
        if (tryCount === 1 || door !== 'mappedIngest') continue
        repeating.set(recordIds, (repeating.get(recordIds) ?? 0) + 1)
      }
    }
  }
  for (const place of [null, 'header', 'body']) {
    assert.ok((repeating.get(place) ?? 0) > 50, `${place}: ${repeating.get(place)}`)
  }
})
