import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SELDOM_LINE_MS } from '../../src/host/index.ts'
import { codeOf, DELIVERED, failed, headerOfAnswer, Station } from './station.ts'

function balanceOf(station: Station): number {
  const { attempts, successes, failures, exhausted, outstanding } = station.ledger()
  return attempts! - successes! - failures! - exhausted! - outstanding!
}

/** Of a request whose body has so many bytes. */
function head(length: number) {
  return {
    method: 'POST',
    target: '/mappedIngest/s2',
    headers: ['content-length', String(length), 'content-type', 'application/json'],
  }
}

test('delivered answers when Kinesis has it, and says where', () => {
  const station = new Station()
  const asked = station.put('k', 'delivered')
  assert.equal(asked.answer, null)

  station.settleNext()

  assert.deepEqual([asked.answer!.status, asked.answer!.body], [200, 'got it'])
  assert.equal(headerOfAnswer(asked.answer, 'headgate-shard-id'), 'shardId-000000000003')
  assert.equal(headerOfAnswer(asked.answer, 'headgate-sequence-number'), '4957')
  assert.equal(headerOfAnswer(asked.answer, 'headgate-sub-sequence-number'), '7')
})

test('a record that travelled alone has no sub-sequence number', () => {
  const station = new Station()
  const asked = station.put('k', 'delivered')
  station.settleNext({
    isDelivered: true,
    place: { shardId: 's', sequenceNumber: '1', subSequenceNumber: null },
    attempts: [],
  })
  assert.equal(headerOfAnswer(asked.answer, 'headgate-sub-sequence-number'), undefined)
})

test('without a word delivered is meant', () => {
  const station = new Station()
  const asked = station.post('/mappedIngest/s2', '{"foo":{"foopart1":1}}')
  assert.equal(asked.answer, null)
  station.settleNext()
  assert.equal(asked.answer!.status, 200)
})

test('a delivery that failed says why, whether it may be there, and when to come back', () => {
  const station = new Station()
  const asked = station.put('k', 'delivered')
  station.settleNext(failed('Expired', true))
  const document = JSON.parse(String(asked.answer!.body))
  assert.equal(asked.answer!.status, 503)
  assert.equal(document.code, 'delivery-failed')
  assert.equal(document.mayBeWritten, true)
  assert.deepEqual(document.attempts, ['Expired'])
  assert.ok(Number(headerOfAnswer(asked.answer, 'retry-after')) >= 1)
  assert.equal(station.ledger()['failures'], 1)
})

test('a stream that is not there is the sender’s mistake', () => {
  const station = new Station()
  const asked = station.put('k', 'delivered')
  station.settleNext(failed('ResourceNotFoundException'))
  assert.deepEqual([asked.answer!.status, codeOf(asked.answer)], [422, 'stream-not-found'])
})

test('a record that is too large for its stream is the sender’s mistake', () => {
  const station = new Station()
  const asked = station.put('k', 'delivered')
  station.settleNext(failed('RecordTooLarge'))
  assert.deepEqual([asked.answer!.status, codeOf(asked.answer)], [413, 'record-too-large'])
})

test('whatever is said of a record that was not delivered, it says whether it may be there', () => {
  for (const code of ['RecordTooLarge', 'ValidationException', 'ResourceNotFoundException']) {
    for (const mayBeWritten of [false, true]) {
      const station = new Station()
      const asked = station.put('k', 'delivered')
      station.settleNext(failed(code, mayBeWritten))
      const document = JSON.parse(String(asked.answer!.body))
      assert.equal(document.mayBeWritten, mayBeWritten, code)
      assert.deepEqual(document.attempts, [code])
    }
  }
})

test('a delivered request whose time runs out is pending, and still counted when it settles', () => {
  const station = new Station({ ack: { deliveredTimeoutMs: 1000 } })
  const asked = station.put('k', 'delivered')
  station.clock.advanceTo(999)
  assert.equal(asked.answer, null)
  station.clock.advanceTo(1000)
  assert.deepEqual([asked.answer!.status, asked.answer!.body], [202, 'pending'])

  station.settleNext()

  assert.equal(station.ledger()['successes'], 1)
  assert.equal(station.ledger()['heldBytes'], 0)
})

test('one record above the threshold waits, and enters when one settles', () => {
  const station = new Station({ backpressure: { threshold: 2 } })
  station.put('a')
  station.put('b')
  const third = station.put('c')
  assert.equal(third.answer, null)
  assert.equal(station.inside.length, 2)

  station.settleNext()

  assert.equal(third.answer!.status, 202)
  assert.deepEqual(
    station.inside.map((record) => record.partitionKey),
    ['b', 'c'],
  )
})

test('who waits enters in the order of arrival, and nobody passes the line', () => {
  const station = new Station({ backpressure: { threshold: 1 } })
  const names = ['a', 'b', 'c', 'd']
  const asked = names.map((name) => station.put(name))
  const order: string[] = []
  while (station.inside.length > 0) {
    order.push(station.inside[0]!.partitionKey)
    station.settleNext()
  }
  assert.deepEqual(order, names)
  assert.ok(asked.every(({ answer }) => answer!.status === 202))
})

test('who waited long enough is exhausted and told when to come back', () => {
  const station = new Station({ backpressure: { threshold: 1, maxWaitMs: 5000 } })
  station.put('a')
  const waiting = station.put('b')
  station.clock.advanceTo(4999)
  assert.equal(waiting.answer, null)

  station.clock.advanceTo(5000)

  assert.deepEqual([waiting.answer!.status, codeOf(waiting.answer)], [503, 'back-pressure'])
  assert.ok(Number(headerOfAnswer(waiting.answer, 'retry-after')) >= 1)
  assert.equal(station.ledger()['exhausted'], 1)
  assert.equal(balanceOf(station), 0)
})

test('each has its own time in the line', () => {
  const station = new Station({ backpressure: { threshold: 1, maxWaitMs: 1000 } })
  station.put('a')
  const first = station.put('b')
  station.clock.advanceTo(600)
  const second = station.put('c')
  station.clock.advanceTo(1000)
  assert.notEqual(first.answer, null)
  assert.equal(second.answer, null)
  station.clock.advanceTo(1600)
  assert.notEqual(second.answer, null)
})

test('the line is as long as it may be, and not longer', () => {
  const station = new Station({ backpressure: { threshold: 1, maxWaiting: 2 } })
  station.put('a')
  assert.equal(station.put('b').answer, null)
  assert.equal(station.put('c').answer, null)
  assert.equal(codeOf(station.put('d').answer), 'back-pressure')
  assert.equal(station.ledger()['exhausted'], 1)
})

test('reject turns away at once, none lets everybody in', () => {
  const rejecting = new Station({ backpressure: { threshold: 1, strategy: 'reject' } })
  rejecting.put('a')
  assert.equal(codeOf(rejecting.put('b').answer), 'back-pressure')
  const open = new Station({ backpressure: { threshold: 1, strategy: 'none' } })
  for (let i = 0; i < 100; i++) assert.equal(open.put(`k${i}`).answer!.status, 202)
  assert.equal(open.inside.length, 100)
})

test('who goes away while waiting does not enter, and counts as exhausted', () => {
  const station = new Station({ backpressure: { threshold: 1 } })
  station.put('a')
  station.put('gone').leave()
  const after = station.put('c')

  station.settleNext()

  assert.deepEqual(
    station.inside.map((record) => record.partitionKey),
    ['c'],
  )
  assert.equal(after.answer!.status, 202)
  assert.equal(station.ledger()['exhausted'], 1)
})

test('who goes away after entering is delivered all the same', () => {
  const station = new Station()
  const asked = station.put('k', 'delivered')
  asked.leave()
  station.settleNext()
  assert.equal(asked.answer, null)
  assert.equal(station.ledger()['successes'], 1)
})

test('memory is lent up to its bound, refused on the head above, and given back', () => {
  const maxBytes = 1024 * 1024
  const station = new Station({ memory: { maxBytes } })
  const first = station.gateway.begin(head(maxBytes))
  const second = station.gateway.begin(head(maxBytes))
  const tooMuch = station.gateway.begin(head(maxBytes + 1))
  assert.ok(!('status' in first) && !('status' in second), 'a head alone holds nothing')
  assert.ok(!('status' in tooMuch), 'no record is larger than what may be held')
  assert.equal(station.ledger()['heldBytes'], 0)

  assert.equal(first.more!(maxBytes / 2), null)
  assert.equal(first.more!(maxBytes / 2), null)
  assert.equal(station.ledger()['heldBytes'], maxBytes)
  const oneMore = station.gateway.begin(head(1))
  assert.ok('status' in oneMore && codeOf(oneMore) === 'memory-full')
  assert.equal(codeOf(second.more!(1)), 'memory-full')
  assert.equal(station.get('/readyz').status, 503)

  first.abort()
  assert.equal(station.ledger()['heldBytes'], 0)
  assert.ok(!('status' in station.gateway.begin(head(maxBytes))))
})

test('who is refused for memory finds it said, until an eighth of it is free', () => {
  const maxBytes = 1024 * 1024
  const station = new Station({ memory: { maxBytes } })
  const isReady = () => station.get('/readyz').status === 200
  const takers = [maxBytes / 2, (maxBytes * 3) / 8, 1000].map((bytes) => {
    const taker = station.gateway.begin(head(bytes))
    assert.ok(!('status' in taker))
    return { taker, bytes }
  })

  // Half of it is free: one that needs more is refused, and others are not.
  assert.equal(takers[0]!.taker.more!(takers[0]!.bytes), null)
  const large = station.gateway.begin(head(maxBytes / 2 + 1))
  assert.ok('status' in large && codeOf(large) === 'memory-full')
  assert.ok(isReady())
  // Nearly all is lent, and nobody was refused.
  for (const { taker, bytes } of takers.slice(1)) assert.equal(taker.more!(bytes), null)
  assert.ok(isReady())
  const late = station.gateway.begin(head(maxBytes / 8))
  assert.ok('status' in late && codeOf(late) === 'memory-full')
  const { status, body } = station.get('/readyz')
  assert.deepEqual([status, JSON.parse(String(body)).reasons], [503, ['memory-full']])

  takers[2]!.taker.abort()
  assert.ok(isReady(), 'an eighth is free')
})

test('of a body of unknown length what has come is held, no more', () => {
  const station = new Station({ memory: { maxBytes: 1024 * 1024 } })
  const headers = ['transfer-encoding', 'chunked']
  for (let i = 0; i < 100; i++) {
    const begun = station.gateway.begin({ method: 'POST', target: '/mappedIngest/s2', headers })
    assert.ok(!('status' in begun))
    assert.equal(begun.more!(1000), null)
  }
  assert.equal(station.ledger()['heldBytes'], 100_000)
})

test('records that settle as they enter let in the next one without end', () => {
  const waitingCount = 10_000
  const station = new Station({ backpressure: { threshold: 1, maxWaiting: waitingCount } })
  station.put('inside')
  for (let i = 0; i < waitingCount; i++) station.put(`k${i}`)
  station.settlesAtOnce = failed('TooManyStreams')
  station.settleNext()
  assert.equal(station.ledger()['outstanding'], 0)
  assert.equal(station.ledger()['failures'], waitingCount)
})

test('draining: unready first, the line sent home, what is inside waited for', async () => {
  const station = new Station({ backpressure: { threshold: 1 } })
  const inside = station.put('a', 'delivered')
  const waiting = station.put('b')
  let isDrained = false
  const drained = station.gateway.drain(1000).then(() => {
    isDrained = true
  })

  assert.equal(station.get('/readyz').status, 503)
  assert.equal(station.get('/livez').status, 200)
  assert.equal(codeOf(waiting.answer), 'back-pressure')
  assert.equal(codeOf(station.put('c').answer), 'draining')
  await new Promise(setImmediate)
  assert.equal(isDrained, false)
  station.settleNext()
  await drained

  assert.equal(inside.answer!.status, 200)
  station.gateway.close()
  assert.equal(station.clock.scheduledCount, 0)
})

test('draining ends at its deadline', async () => {
  const station = new Station()
  station.put('a')
  const drained = station.gateway.drain(1000)
  station.clock.advanceTo(1000)
  await drained
  assert.equal(station.ledger()['outstanding'], 1)
})

test('a body that was being read when draining began is refused', () => {
  const station = new Station()
  const begun = station.gateway.begin({ method: 'POST', target: '/mappedIngest/s2', headers: [] })
  assert.ok(!('status' in begun))
  station.gateway.drain(1000)
  let code = ''
  begun.end(Buffer.from('{"foo":{"foopart1":1}}'), (answer) => {
    code = codeOf(answer)
  })
  assert.equal(code, 'draining')
})

test('Retry-After follows the backlog and the measured drain', () => {
  const station = new Station({ backpressure: { threshold: 100, strategy: 'reject' } })
  const retryAfter = () => Number(headerOfAnswer(station.put('x').answer, 'retry-after'))
  for (let i = 0; i < 100; i++) station.put(`k${i}`)
  assert.equal(retryAfter(), 1, 'nothing is known yet')
  station.clock.advanceBy(1000)
  assert.equal(retryAfter(), 48, 'nothing drains')
  for (let i = 0; i < 1000; i++) {
    station.clock.advanceBy(100)
    station.settleNext()
    station.put('k')
  }
  const seconds = retryAfter()
  assert.ok(seconds >= 9 && seconds <= 11, `100 records at 10 a second: ${seconds}`)
})

test('Retry-After knows the drain rate soon after idle, and is never told to all alike', () => {
  const station = new Station({ backpressure: { threshold: 100, strategy: 'reject' } })
  const retryAfter = () => Number(headerOfAnswer(station.put('x').answer, 'retry-after'))
  station.clock.advanceBy(3_600_000)
  for (let i = 0; i < 100; i++) station.put(`k${i}`)
  for (let i = 0; i < 10; i++) {
    station.clock.advanceBy(100)
    station.settleNext()
    station.put('k')
  }
  assert.equal(retryAfter(), 10, '100 records at 10 a second, measured for a second')

  station.chance = 1023
  assert.equal(retryAfter(), 13)
  station.clock.advanceBy(3_600_000)
  assert.equal(retryAfter(), 60)
  station.chance = 0
  assert.equal(retryAfter(), 48, 'room to spread below the largest')
})

test('the pages of the machine room', () => {
  const station = new Station()
  assert.equal(station.get('/livez').status, 200)
  assert.equal(station.get('/readyz').status, 200)
  assert.equal(JSON.parse(String(station.get('/actuator/health').body)).status, 'UP')
  assert.equal(JSON.parse(String(station.get('/actuator/info').body)).build.name, 'headgate')
  assert.equal(
    JSON.parse(String(station.get('/actuator/kpl').body)).configuration.recordTtl,
    30_000,
  )
  assert.match(String(station.get('/').body), /mappedIngest/)
  const head = station.ask('HEAD', '/actuator/kinesis', {}, Buffer.alloc(0)).answer!
  assert.deepEqual(head, station.get('/actuator/kinesis'), 'the host leaves the body away')
})

test('the ledger balances whatever happens in whatever order', () => {
  const event = fc.oneof(
    { weight: 4, arbitrary: fc.constant('put') },
    { weight: 3, arbitrary: fc.constantFrom('deliver', 'fail') },
    { weight: 1, arbitrary: fc.constantFrom('wait', 'leave', 'bad') },
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), fc.boolean(), (events, isDelivered) => {
      const station = new Station({ backpressure: { threshold: 3, maxWaiting: 4, maxWaitMs: 50 } })
      const asked: { leave(): void; answer: unknown }[] = []
      for (const kind of events) {
        if (kind === 'put') asked.push(station.put('k', isDelivered ? 'delivered' : 'accepted'))
        else if (kind === 'bad') station.post('/mappedIngest/s2', '{')
        else if (kind === 'wait') station.clock.advanceBy(30)
        else if (kind === 'leave') asked.findLast(({ answer }) => answer === null)?.leave()
        else if (station.inside.length > 0) {
          station.settleNext(kind === 'deliver' ? DELIVERED : failed('Expired'))
        }
        assert.equal(balanceOf(station), 0)
        assert.ok(station.inside.length <= 3)
      }
      while (station.inside.length > 0) station.settleNext()
      station.clock.advanceBy(1000)
      station.gateway.close()
      assert.equal(station.ledger()['outstanding'], 0)
      assert.equal(station.ledger()['heldBytes'], 0)
      assert.equal(station.clock.scheduledCount, 0)
    }),
  )
})

test('failures are told at once, and then every ten seconds how many there were', () => {
  const station = new Station()
  const fail = (code: string) => {
    station.put('k', 'accepted')
    station.settleNext(failed(code))
  }
  const counts = () => station.log.lines.map((line) => Number(/"failed":(\d+)/.exec(line)![1]))

  fail('AccessDeniedException')
  assert.deepEqual(counts(), [1])
  assert.match(station.log.lines[0]!, /"code":"AccessDeniedException".*"cause":"AccessDenied/)
  fail('Expired')
  fail('Expired')
  station.clock.advanceBy(SELDOM_LINE_MS - 1)
  assert.deepEqual(counts(), [1])
  station.clock.advanceBy(1)
  assert.deepEqual(counts(), [1, 2])
  station.clock.advanceBy(SELDOM_LINE_MS)
  assert.deepEqual(counts(), [1, 2])

  fail('Expired')
  fail('Expired')
  station.gateway.close()
  assert.deepEqual(counts(), [1, 2, 1, 1])
  assert.equal(station.clock.scheduledCount, 0)
})

test('requests that are refused for a state are told, and not a line each', () => {
  const station = new Station({
    backpressure: { threshold: 1, maxWaitMs: 5000, maxWaiting: 10, strategy: 'reject' },
  })
  station.put('k', 'accepted')
  for (let i = 0; i < 100; i++) station.put('k', 'accepted')
  station.post('/mappedIngest/none', '{}')
  const line = 'warn requests are refused for a state of the gateway; the last of them'
  assert.deepEqual(station.log.lines, [line])
  station.clock.advanceBy(SELDOM_LINE_MS)
  assert.deepEqual(station.log.lines, [line, line])
  station.gateway.close()
  assert.equal(station.clock.scheduledCount, 0)
})
