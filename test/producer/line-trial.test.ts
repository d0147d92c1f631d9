import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineTrial } from '../../src/producer/line-trial.ts'

const MORE = { usedBytes: 400_000, elapsedMs: 3000 }
const FEWER = { usedBytes: 100_000, elapsedMs: 3000 }

function flights(count: number, sizeBytes = 50_000): { readonly sizeBytes: number }[] {
  return Array.from({ length: count }, () => ({ sizeBytes }))
}

test('all that are under way at one moment are compared with all at another', () => {
  const [first, second, late] = [flights(4), flights(4), flights(4)]
  const trial = new LineTrial(first)

  // Those that are quick are the first, and others begin in their place.
  for (const one of first.slice(1)) assert.ok(!trial.answered(one, MORE, [...first, ...second]))
  for (let i = 0; i < 9; i++) trial.answered(flights(1)[0]!, { ...FEWER, elapsedMs: 1 }, second)
  assert.ok(!trial.answered(first[0]!, MORE, [first[0]!, ...second]))
  for (const one of second.slice(1)) assert.ok(!trial.answered(one, FEWER, [...second, ...late]))
  for (const one of late) trial.answered(one, { ...FEWER, elapsedMs: 1 }, second)

  assert.ok(trial.answered(second[0]!, FEWER, second))
  assert.equal(trial.besideLineMs, 3000)
})

test('those that end without an answer are not waited for', () => {
  const [first, second] = [flights(2), flights(5)]
  const trial = new LineTrial(first)
  trial.left(first[0]!)
  trial.answered(first[1]!, MORE, [first[1]!, ...second])

  for (const one of second.slice(2)) trial.answered(one, FEWER, second)
  trial.left(second[0]!)

  assert.ok(trial.answered(second[1]!, FEWER, [second[1]!]))
})

test('one after the other is enough, when there are four of them', () => {
  const [first] = flights(1)
  const trial = new LineTrial([first!])
  trial.answered(first!, MORE, [first!])

  const overs = flights(4).map((one) => trial.answered(one, FEWER, [one]))

  assert.deepEqual(overs, [false, false, false, true])
})

test('small requests beside large ones do not tell', () => {
  const besideAfter = (elapsedMs: number) => {
    const [large, small] = [flights(4, 100_000), flights(4, 49_999)]
    const trial = new LineTrial([...large, ...small])
    for (const one of small) trial.answered(one, { usedBytes: 1, elapsedMs: 1 }, [])
    for (const one of large) trial.answered(one, MORE, [one])

    for (const one of flights(4)) trial.answered(one, { ...FEWER, elapsedMs }, [one])
    return trial.besideLineMs
  }

  // A quarter of 3000 ms with a quarter of the bytes would be the line alone.
  assert.deepEqual([besideAfter(3000), besideAfter(1400), besideAfter(750)], [3000, null, null])
})

test('answers that take longer with less under way take as long with nothing', () => {
  const [first] = flights(1)
  const trial = new LineTrial([first!])
  trial.answered(first!, MORE, [first!])
  for (const one of flights(4)) trial.answered(one, { ...FEWER, elapsedMs: 5000 }, [one])
  assert.equal(trial.besideLineMs, 5000)
})

test('when all of the first that tell are lost, the next ones are compared in their place', () => {
  const [lost, small, first] = [flights(1, 500_000)[0]!, flights(1, 1000)[0]!, flights(2)]
  const trial = new LineTrial([lost, small])
  trial.left(lost)
  trial.answered(small, { usedBytes: 1, elapsedMs: 1 }, [small, ...first])
  for (const one of first) trial.answered(one, MORE, [one])

  const overs = flights(4).map((one) => trial.answered(one, FEWER, [one]))

  assert.deepEqual(overs, [false, false, false, true])
  assert.equal(trial.besideLineMs, 3000)
})

test('what took about as much cannot be compared', () => {
  const besideAfter = (usedBytes: number) => {
    const [first] = flights(1)
    const trial = new LineTrial([first!])
    trial.answered(first!, MORE, [first!])
    for (const one of flights(4)) trial.answered(one, { usedBytes, elapsedMs: 3000 }, [one])
    return trial.besideLineMs
  }

  assert.deepEqual([besideAfter(300_000), besideAfter(300_001)], [3000, null])
})
