import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IN_FLIGHT_MIN_BYTES, InFlight } from '../../src/producer/in-flight.ts'

const TIMEOUT_MS = 6000
/** What is believed of a line at first. */
const FIRST_BYTES = 525_000

/** One request under way from `atMs` on, answered or given up after `elapsedMs`. */
function exchange(inFlight: InFlight, sizeBytes: number, atMs: number, elapsedMs: number): void {
  const flight = inFlight.enter(sizeBytes)
  flight.sentAtMs = atMs
  if (elapsedMs < TIMEOUT_MS) inFlight.answered(flight, atMs + elapsedMs)
  else inFlight.timedOut(flight, atMs + elapsedMs)
  inFlight.leave(flight)
}

test('at first as much is under way as a line of 2.8 Mbit/s carries in a quarter of the time', () => {
  assert.equal(new InFlight(TIMEOUT_MS).boundBytes, FIRST_BYTES)
  assert.equal(new InFlight(100).boundBytes, IN_FLIGHT_MIN_BYTES)
})

test("nothing bounds the KPL's way", () => {
  const inFlight = new InFlight(null)
  exchange(inFlight, 5_000_000, 0, TIMEOUT_MS)
  exchange(inFlight, 5_000_000, 0, 3001)
  inFlight.enter(5_000_000)

  assert.ok(inFlight.hasRoom(5_000_000))
  assert.equal(inFlight.partBytesOf(5_000_000), 5_000_000)
})

test('there is room up to the bound, and always for one', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  assert.ok(inFlight.hasRoom(5_000_000))
  inFlight.enter(FIRST_BYTES - 1000)

  const rooms = [999, 1000, 1001].map((bytes) => inFlight.hasRoom(bytes))

  assert.deepEqual(rooms, [true, true, false])
})

test('requests go in equal parts of at most half of the bound', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  const half = FIRST_BYTES / 2

  const parts = [half - 1, half, half + 1, 3 * half].map((bytes) => inFlight.partBytesOf(bytes))

  assert.deepEqual(parts, [half - 1, half, (half + 1) / 2, half])
})

for (const { elapsedMs, makes } of [
  { elapsedMs: 1500, makes: 1_025_000 },
  { elapsedMs: 1501, makes: 166_666 },
  { elapsedMs: 3000, makes: 166_666 },
  { elapsedMs: 3001, makes: 166_666 },
  { elapsedMs: 6000, makes: 125_000 },
]) {
  test(`an answer after ${elapsedMs} of ${TIMEOUT_MS} ms makes the bound ${makes}`, () => {
    const inFlight = new InFlight(TIMEOUT_MS)

    exchange(inFlight, 500_000, 0, elapsedMs)

    assert.equal(inFlight.boundBytes, makes)
  })
}

/** The fewest answers that end a trial, within the next 100 ms. */
function fourTimes(inFlight: InFlight, sizeBytes: number, atMs: number, elapsedMs: number): void {
  for (let i = 0; i < 4; i++) exchange(inFlight, sizeBytes, atMs + i, elapsedMs)
}

test('a line that is only just too slow to raise the bound has a third of it for one round', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  exchange(inFlight, 500_000, 0, 2000)
  for (let i = 0; i < 3; i++) exchange(inFlight, 166_666, 2000, 667)
  assert.equal(inFlight.boundBytes, 166_666)

  exchange(inFlight, 166_666, 2000, 667)

  assert.equal(inFlight.boundBytes, FIRST_BYTES)
})

/** A trial of answers that are not late, which ends `endAtMs` and tells that it is the line. */
function heldTrial(inFlight: InFlight, endAtMs: number): void {
  exchange(inFlight, 500_000, endAtMs - 2667, 2000)
  assert.equal(inFlight.boundBytes, 166_666)
  for (let i = 0; i < 4; i++) exchange(inFlight, 166_666, endAtMs - 667, 667)
  assert.equal(inFlight.boundBytes, FIRST_BYTES)
}

test('so it has again after 60 s, after 120 s, and then every 240 s', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  let endAtMs = 2667
  heldTrial(inFlight, endAtMs)

  for (const seconds of [60, 120, 240, 240]) {
    exchange(inFlight, 500_000, endAtMs + seconds * 1000 - 2001, 2000)
    assert.equal(inFlight.boundBytes, FIRST_BYTES, `within ${seconds} s`)
    endAtMs += seconds * 1000 + 667
    heldTrial(inFlight, endAtMs)
  }
})

/** One answer was late, at 4000 ms. */
function afterLateAnswer(): InFlight {
  const inFlight = new InFlight(TIMEOUT_MS)
  exchange(inFlight, 500_000, 0, 4000)
  assert.equal(inFlight.boundBytes, 166_666)
  return inFlight
}

test('a line that answers late has the bound lowered to what would have come early', () => {
  const inFlight = afterLateAnswer()

  fourTimes(inFlight, 166_666, 4000, 1333)

  assert.equal(inFlight.boundBytes, 187_500)
})

test('in a trial requests go in six parts at least, so that there are answers to compare', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  exchange(inFlight, 1_200_000, 0, 1500)
  exchange(inFlight, 1_200_000, 1500, 4000)
  assert.equal(inFlight.boundBytes, 400_000)

  const parts = [66_666, 66_667].map((bytes) => inFlight.partBytesOf(bytes))

  assert.deepEqual(parts, [66_666, 66_667 / 2])
})

/** A service that was found to be slow, at 8003 ms. */
function slowService(): InFlight {
  const inFlight = afterLateAnswer()
  fourTimes(inFlight, 166_666, 4000, 4000)
  return inFlight
}

test('a service that answers late with less under way, too, is what is slow', () => {
  const inFlight = slowService()
  assert.equal(inFlight.boundBytes, FIRST_BYTES)
  exchange(inFlight, 500_000, 8000, 4500)

  assert.equal(inFlight.boundBytes, FIRST_BYTES + 500_000)
})

test('once the service is known to be slow, late answers lower the bound after 30 s only', () => {
  const boundAfter = (endAtMs: number) => {
    const inFlight = slowService()
    exchange(inFlight, 500_000, endAtMs - 5500, 5500)
    return inFlight.boundBytes
  }

  assert.deepEqual([boundAfter(38_002), boundAfter(38_003)], [FIRST_BYTES, 166_666])
})

test('but a timeout does at once', () => {
  const inFlight = slowService()

  exchange(inFlight, 500_000, 8003, TIMEOUT_MS)

  assert.equal(inFlight.boundBytes, 125_000)
  exchange(inFlight, 180_000, 14_003, 5900)
  assert.equal(inFlight.boundBytes, 60_000, 'from then on late answers do, too')
})

test('half of an answer beside the line is the least that counts', () => {
  const boundAfter = (elapsedMs: number) => {
    const inFlight = new InFlight(TIMEOUT_MS)
    exchange(inFlight, 500_000, 0, 2000)
    fourTimes(inFlight, 125_000, 2000, elapsedMs)
    exchange(inFlight, 500_000, 10_000, 2000)
    return inFlight.boundBytes
  }

  // 500 000 bytes in 2000 ms, a quarter of it in 1250: 1000 ms for none at all.
  assert.deepEqual([boundAfter(1249), boundAfter(1250)], [FIRST_BYTES, FIRST_BYTES + 500_000])
})

test('beside a large request there are no more than if all were as large', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  inFlight.enter(FIRST_BYTES / 2)
  inFlight.enter(50_000)

  // Half of the bound three times: one and a half of it.
  assert.ok(inFlight.hasRoom(50_000))
  inFlight.enter(50_000)

  assert.ok(!inFlight.hasRoom(50_000))
})

test('beside many requests a large one goes in parts that leave room for as many of them', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  for (let i = 0; i < 5; i++) inFlight.enter(50_000)

  // Six of them are one and a half of the bound.
  const part = FIRST_BYTES / 4
  assert.deepEqual([inFlight.hasRoom(part), inFlight.hasRoom(part + 1)], [true, false])
  assert.deepEqual(
    [inFlight.partBytesOf(part), inFlight.partBytesOf(part + 1)],
    [part, (part + 1) / 2],
  )
})

test('requests of less than half an aggregate count in part', () => {
  const roomBeside = (sizeBytes: number) => {
    const inFlight = new InFlight(TIMEOUT_MS)
    inFlight.enter(FIRST_BYTES / 2)
    for (let i = 0; i < 4; i++) inFlight.enter(sizeBytes)
    return inFlight.hasRoom(0)
  }

  // Four halves are two.
  assert.deepEqual(
    [roomBeside(IN_FLIGHT_MIN_BYTES / 4), roomBeside(IN_FLIGHT_MIN_BYTES / 4 + 1)],
    [true, false],
  )
})

test('a bound that nobody needs is not raised', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  exchange(inFlight, FIRST_BYTES / 2 - 1, 0, 100)
  assert.equal(inFlight.boundBytes, FIRST_BYTES)

  exchange(inFlight, FIRST_BYTES / 2, 1000, 100)

  assert.equal(inFlight.boundBytes, 1.5 * FIRST_BYTES)
})

test('a timeout lowers it to a quarter of what was under way, once for all that were', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  const flights = [250_000, 250_000].map((bytes) => inFlight.enter(bytes))

  for (const flight of flights.toReversed()) {
    inFlight.timedOut(flight, TIMEOUT_MS)
    inFlight.leave(flight)
  }

  assert.equal(inFlight.boundBytes, 125_000)
  assert.equal(inFlight.bytes, 0)
})

/** Two of 250 000 bytes under way, the second one from `secondAtMs` on. */
function twoUnderWay(secondAtMs = 0) {
  const inFlight = new InFlight(TIMEOUT_MS)
  const [first, second] = [inFlight.enter(250_000), inFlight.enter(250_000)]
  second.sentAtMs = secondAtMs
  return { inFlight, first, second }
}

test('what shared the line with a request counts, though it came later or has left before', () => {
  const { inFlight, first, second } = twoUnderWay()
  inFlight.answered(first, 4000)
  assert.equal(inFlight.boundBytes, 166_666, 'a third of both')

  inFlight.leave(first)
  inFlight.timedOut(second, TIMEOUT_MS)
  assert.equal(inFlight.boundBytes, 125_000, 'a quarter of both')
})

test('after a timeout what was sent before it says nothing of the bound', () => {
  const { inFlight, first, second } = twoUnderWay(5000)
  inFlight.timedOut(first, TIMEOUT_MS)
  inFlight.leave(first)
  assert.equal(inFlight.boundBytes, 125_000)

  inFlight.answered(second, TIMEOUT_MS + 100)

  assert.equal(inFlight.boundBytes, 125_000)
})

test('after a timeout the requests that go, which are smaller, tell of the bound', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  exchange(inFlight, 500_000, 0, 100)
  exchange(inFlight, 500_000, 1000, TIMEOUT_MS)
  assert.equal(inFlight.boundBytes, 125_000)

  exchange(inFlight, 100_000, 7000, 100)

  assert.equal(inFlight.boundBytes, 205_000)
})

test('a timeout ends a trial', () => {
  const inFlight = afterLateAnswer()
  exchange(inFlight, 166_666, 4000, TIMEOUT_MS)
  assert.equal(inFlight.boundBytes, IN_FLIGHT_MIN_BYTES)

  for (let i = 0; i < 9; i++) exchange(inFlight, 10_000, 10_000 + i, 100)

  assert.equal(inFlight.boundBytes, IN_FLIGHT_MIN_BYTES)
})

test('a request that is lost does not keep a trial from its end', () => {
  const { inFlight, first, second } = twoUnderWay()
  inFlight.answered(first, 4000)
  inFlight.leave(first)
  inFlight.leave(second)

  fourTimes(inFlight, 166_666, 4000, 1333)
  assert.equal(inFlight.boundBytes, 166_666)
  fourTimes(inFlight, 166_666, 6000, 1333)

  assert.notEqual(inFlight.boundBytes, 166_666)
})

test('it falls no lower than one aggregate', () => {
  const inFlight = new InFlight(TIMEOUT_MS)

  for (let i = 0; i < 5; i++) exchange(inFlight, 200_000, i * TIMEOUT_MS, TIMEOUT_MS)

  assert.equal(inFlight.boundBytes, IN_FLIGHT_MIN_BYTES)
})

test('after a timeout it is felt for by one request in each round', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  exchange(inFlight, 400_000, 0, TIMEOUT_MS)
  assert.equal(inFlight.boundBytes, 100_000)

  exchange(inFlight, 50_000, TIMEOUT_MS, 100)

  assert.equal(inFlight.boundBytes, 125_000)
})

test('small requests beside large ones do not tell of it', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  exchange(inFlight, 500_000, 0, 1500)
  const boundBytes = FIRST_BYTES + 500_000
  assert.equal(inFlight.boundBytes, boundBytes)

  // Half of the largest, of which a fiftieth is forgotten with each answer.
  exchange(inFlight, 244_999, 1500, 3001)
  assert.equal(inFlight.boundBytes, boundBytes)
  exchange(inFlight, 240_100, 1500, 3001)

  assert.equal(inFlight.boundBytes, 80_033)
})

test('what a small request takes beside a large one that came later is', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  const small = inFlight.enter(IN_FLIGHT_MIN_BYTES)
  const large = inFlight.enter(450_000)
  inFlight.answered(small, 1400)
  inFlight.leave(small)
  inFlight.leave(large)

  exchange(inFlight, 500_000, 4000, 2500)

  assert.equal(inFlight.boundBytes, 166_666)
})

test('what a small request takes alone is not counted against the line', () => {
  const inFlight = new InFlight(TIMEOUT_MS)
  exchange(inFlight, IN_FLIGHT_MIN_BYTES, 0, 4000)

  exchange(inFlight, 500_000, 4000, 4500)
  assert.equal(inFlight.boundBytes, FIRST_BYTES + 500_000)
  exchange(inFlight, IN_FLIGHT_MIN_BYTES + 1, 9000, 100)
  exchange(inFlight, 600_000, 9100, 4000)

  assert.ok(inFlight.boundBytes < 300_000, `${inFlight.boundBytes}`)
})
