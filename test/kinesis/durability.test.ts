// What a crash, a torn write, damage and a failing disk do to the records.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bench, base64, textsOf, untilTrue } from './bench-top.ts'
import { benchWithStream, lastSegment, put, segmentsOf, texts } from './one-stream.ts'

test('what was answered is there after power loss, with the same numbers', async () => {
  const bench = await benchWithStream()
  await put(bench, 'a', 'b')
  await put(bench, 'c')
  const before = await bench.readAll('s1')

  const after = await bench.reopen(bench.disk.afterPowerLoss())

  assert.deepEqual(await after.readAll('s1'), before)
  assert.deepEqual(textsOf(before), ['a', 'b', 'c'])
  assert.deepEqual(after.log.lines, [])
})

test('nothing is answered, and nothing is read, before the disk has confirmed it', async () => {
  const bench = await benchWithStream()
  await put(bench, 'a')
  let open = () => {}
  bench.disk.syncGate = new Promise((resolve) => {
    open = resolve
  })
  let isAnswered = false

  const putting = put(bench, 'b').then(() => {
    isAnswered = true
  })
  await texts(bench)
  assert.equal(isAnswered, false)
  assert.deepEqual(await texts(bench), ['a'])
  assert.deepEqual(await texts(await bench.reopen(bench.disk.afterPowerLoss())), ['a'])

  open()
  await putting
  assert.deepEqual(await texts(bench), ['a', 'b'])
})

test('with syncBeforeAnswer off the answer comes before', async () => {
  const bench = await benchWithStream({ config: { syncBeforeAnswer: false } })
  let open = () => {}
  bench.disk.syncGate = new Promise((resolve) => {
    open = resolve
  })

  assert.equal((await put(bench, 'a')).status, 200)
  assert.deepEqual(await texts(bench), ['a'])
  assert.deepEqual(await texts(await bench.reopen(bench.disk.afterPowerLoss())), [])
  open()
})

test('all that came during a sync shares the next one', async () => {
  const bench = await benchWithStream()
  await put(bench, 'warm')
  const before = bench.disk.syncCount

  await Promise.all(Array.from({ length: 100 }, (_, i) => put(bench, `${i}`)))

  assert.equal(bench.disk.syncCount - before, 2)
  assert.equal((await texts(bench)).length, 101)
})

test('a torn end is cut at any byte, and the shard goes on behind what is whole', async () => {
  const bench = await benchWithStream()
  await put(bench, 'a')
  const whole = lastSegment(bench.disk).bytes.length
  await put(bench, 'bb')
  const end = lastSegment(bench.disk).bytes.length
  const [name] = segmentsOf(bench.disk)

  for (let cut = whole; cut < end; cut++) {
    const disk = bench.disk.afterPowerLoss()
    disk.content(name!).bytes = disk.content(name!).bytes.subarray(0, cut)
    const after = await bench.reopen(disk)
    assert.deepEqual(await texts(after), ['a'], `cut at ${cut}`)
    assert.equal(after.log.lines.length, cut === whole ? 0 : 1)
    await put(after, 'c')
    assert.deepEqual(await texts(after), ['a', 'c'])

    const again = await after.reopen()
    assert.deepEqual(await texts(again), ['a', 'c'])
    assert.deepEqual(again.log.lines, [])
  }
})

test('a wrong byte anywhere in the last record cuts that record', async () => {
  const bench = await benchWithStream()
  await put(bench, 'a')
  const whole = lastSegment(bench.disk).bytes.length
  await put(bench, 'bb')
  const [name] = segmentsOf(bench.disk)

  for (let at = whole; at < lastSegment(bench.disk).bytes.length; at++) {
    const disk = bench.disk.afterPowerLoss()
    disk.content(name!).bytes[at]! ^= 0x5a
    assert.deepEqual(await texts(await bench.reopen(disk)), ['a'], `byte ${at}`)
  }
})

test('damage in the middle costs the records there, is reported, and nothing else', async () => {
  const bench = await benchWithStream()
  const starts: number[] = []
  for (const text of ['a', 'b', 'c', 'd']) {
    starts.push(segmentsOf(bench.disk).length === 0 ? 0 : lastSegment(bench.disk).bytes.length)
    await put(bench, text)
  }
  const numbers = (await bench.readAll('s1')).map((record) => record.SequenceNumber)
  const [name] = segmentsOf(bench.disk)

  for (let at = starts[1]!; at < starts[2]!; at++) {
    const disk = bench.disk.afterPowerLoss()
    disk.content(name!).bytes[at]! ^= 0x5a
    const after = await bench.reopen(disk)
    assert.deepEqual(await texts(after), ['a', 'c', 'd'], `byte ${at}`)
    assert.match(after.log.lines.join(), /^error a segment is damaged/)
    const { body } = await put(after, 'e')
    assert.ok(BigInt(body.Records[0].SequenceNumber) > BigInt(numbers.at(-1)!))
    assert.deepEqual(await texts(after), ['a', 'c', 'd', 'e'])
  }
})

test('sequence numbers rise over restarts, and when the clock jumps back', async () => {
  let bench = await benchWithStream()
  const numbers: bigint[] = []
  for (let start = 0; start < 4; start++) {
    for (const text of ['a', 'b']) {
      const { body } = await put(bench, text)
      numbers.push(BigInt(body.Records[0].SequenceNumber))
      bench.clock.wallOffsetMs -= 3_600_000
    }
    bench = await bench.reopen(bench.disk.afterPowerLoss())
  }

  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => (a < b ? -1 : 1)),
  )
  assert.equal((await texts(bench)).length, 8)
})

test('a number is not given twice even when its record was answered early and then lost', async () => {
  const bench = await benchWithStream({ config: { syncBeforeAnswer: false } })
  await put(bench, 'kept')
  const disk = bench.disk.afterPowerLoss()
  const lost = await put(bench, 'lost')

  const after = await bench.reopen(disk)
  const next = await put(after, 'next')

  const numberOf = ({ body }: typeof lost) => BigInt(body.Records[0].SequenceNumber)
  assert.ok(numberOf(next) > numberOf(lost))
})

for (const operation of ['append', 'sync', 'open']) {
  for (const alsoBroken of [[], ['truncate'], ['truncate', 'open']]) {
    const what = [operation, ...alsoBroken].join(', ')
    test(`a disk that fails to ${what} fails those entries alone`, async () => {
      const bench = await benchWithStream()
      if (operation !== 'open') await put(bench, 'a')
      const kept = operation === 'open' ? [] : ['a']
      bench.disk.failedAppendKeeps = 1
      bench.disk.fault = (asked, name) => {
        // A file that is there can be opened: its reader is not to suffer.
        if (asked === 'open' && bench.disk.files.has(name)) return null
        if (asked === operation) return 'ENOSPC'
        return alsoBroken.includes(asked) ? 'EIO' : null
      }

      const failed = await put(bench, 'x', 'y')
      const one = { StreamName: 's1', PartitionKey: 'z', Data: '' }
      const alone = await bench.call('PutRecord', one)
      assert.deepEqual(await texts(bench), kept)
      bench.disk.fault = () => null
      const stored = await put(bench, 'b')

      const failure = { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal Service Failure' }
      assert.equal(failed.status, 200)
      assert.deepEqual(failed.body.Records, [failure, failure])
      assert.equal(failed.body.FailedRecordCount, 2)
      assert.equal(alone.status, 500)
      assert.deepEqual(alone.body, {
        __type: 'InternalFailure',
        message: 'Internal Service Failure',
      })
      assert.equal(stored.body.FailedRecordCount, 0)
      assert.deepEqual(await texts(bench), [...kept, 'b'])

      // What the failed writes left behind does not come back to life.
      const after = await bench.reopen()
      assert.deepEqual(await texts(after), [...kept, 'b'])
      await put(after, 'c')
      assert.deepEqual(await texts(after), [...kept, 'b', 'c'])
      assert.deepEqual(await texts(await after.reopen()), [...kept, 'b', 'c'])
    })
  }
}

for (const broken of [['append'], ['append', 'truncate'], ['sync'], ['sync', 'truncate']]) {
  test(`a disk that goes on failing (${broken.join()}) is not filled with empty files`, async () => {
    const bench = await benchWithStream()
    await put(bench, 'a')
    bench.disk.fault = (asked) => (broken.includes(asked) ? 'EIO' : null)
    for (let i = 0; i < 50; i++) assert.equal((await put(bench, 'x')).body.FailedRecordCount, 1)
    bench.disk.fault = () => null
    await put(bench, 'b')

    assert.equal(bench.log.lines.length, 2)
    assert.ok(segmentsOf(bench.disk).length <= 2)
    assert.deepEqual(await texts(bench), ['a', 'b'])
    assert.deepEqual(await texts(await bench.reopen(bench.disk.afterPowerLoss(1000))), ['a', 'b'])
  })
}

test('records go on from segment to segment, and a reader does not notice', async () => {
  const bench = await benchWithStream({ config: { segmentMaxBytes: 64 * 1024 } })
  const all = Array.from({ length: 60 }, (_, i) => `${i}`.padEnd(9000, '.'))
  for (const text of all) await bench.ok('PutRecord', record(text))

  assert.equal(segmentsOf(bench.disk).length, 8)
  assert.deepEqual(await texts(bench), all)
  const after = await bench.reopen(bench.disk.afterPowerLoss())
  assert.deepEqual(await texts(after), all)
  await after.ok('PutRecord', record('last'))
  assert.deepEqual(await texts(after), [...all, 'last'])
})

function record(text: string) {
  return { StreamName: 's1', PartitionKey: 'k', Data: base64(text) }
}

test('after the retention period segments go, and an iterator from before goes on', async () => {
  const hourMs = 3_600_000
  const bench = await benchWithStream()
  await put(bench, 'a')
  bench.clock.advanceBy(2 * hourMs)
  await put(bench, 'b')
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
  assert.equal(segmentsOf(bench.disk).length, 2)

  bench.clock.advanceBy(22 * hourMs - 1)
  assert.deepEqual(await texts(bench), ['a', 'b'])
  const { ShardIterator } = await bench.ok('GetShardIterator', start)
  bench.clock.advanceBy(60_000)
  await untilTrue(() => segmentsOf(bench.disk).length === 1)
  assert.deepEqual(await texts(bench), ['b'])
  const page = await bench.ok('GetRecords', { ShardIterator })
  assert.deepEqual(textsOf(page.Records), ['b'])

  const [name] = segmentsOf(bench.disk)
  bench.clock.advanceBy(2 * hourMs)
  await untilTrue(() => !segmentsOf(bench.disk).includes(name!))
  assert.deepEqual(await texts(bench), [])
  assert.equal(segmentsOf(bench.disk).length, 1)
  const last = BigInt(page.Records[0].SequenceNumber)
  const after = await bench.reopen()
  const { body } = await put(after, 'c')
  assert.ok(BigInt(body.Records[0].SequenceNumber) > last)
  assert.deepEqual(await texts(after), ['c'])
})

test('a wall clock that jumps ahead drops nothing', async () => {
  const bench = await benchWithStream()
  await put(bench, 'a')
  bench.clock.wallOffsetMs += 30 * 86_400_000
  bench.clock.advanceBy(120_000)

  assert.deepEqual(await texts(bench), ['a'])
})

test('a crash while a stream is created or deleted leaves one or the other', async () => {
  const operations = ['replace', 'remove', 'list']
  for (const failing of operations) {
    const bench = await benchWithStream()
    await put(bench, 'a')
    bench.disk.fault = (asked) => (asked === failing ? 'EIO' : null)
    const deleted = await bench.call('DeleteStream', { StreamName: 's1' })
    const created = await bench.call('CreateStream', { StreamName: 's2', ShardCount: 1 })
    bench.disk.fault = () => null

    const after = await bench.reopen(bench.disk.afterPowerLoss())
    const { StreamNames } = await after.ok('ListStreams', {})
    assert.equal(StreamNames.includes('s2'), created.status === 200)
    if (failing === 'replace') {
      assert.equal(deleted.status, 500)
      assert.deepEqual(await texts(after), ['a'])
    } else {
      assert.equal(StreamNames.includes('s1'), false)
      assert.deepEqual(segmentsOf(after.disk), [])
    }
  }
})

test('a stream that was CREATING at a crash is ACTIVE afterwards, one DELETING is gone', async () => {
  const config = { creatingMs: 1000, deletingMs: 1000 }
  const bench = await Bench.open({ config })
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })

  const after = await bench.reopen()
  await after.ok('PutRecord', record('a'))
  await after.ok('DeleteStream', { StreamName: 's1' })
  const last = await after.reopen()

  assert.deepEqual((await last.ok('ListStreams', {})).StreamNames, [])
  assert.deepEqual([...last.disk.files.keys()], ['service.json'])
})

test('files that make no sense are left alone and reported', async () => {
  const bench = await benchWithStream()
  await put(bench, 'a')
  const { disk } = bench
  await disk.replace('streams/x.1/stream.json', Buffer.from('{'))
  await disk.replace('streams/y.1/000000000000/00000001-0000000000000001.log', Buffer.from('?'))
  await disk.replace('streams/lost', Buffer.from('?'))
  await disk.replace(`${segmentsOf(disk)[0]!}.old`, Buffer.from('?'))
  const before = [...disk.files.keys()].sort()

  const after = await bench.reopen()

  assert.deepEqual([...disk.files.keys()].sort(), before)
  assert.deepEqual(await texts(after), ['a'])
  assert.equal(after.log.lines.length, 2)
})

test('a reader of the end does not read the whole segment', async () => {
  const bench = await benchWithStream()
  const big = Buffer.alloc(200 * 1024).toString()
  const numbers: string[] = []
  for (let i = 0; i < 40; i++) {
    const { body } = await put(bench, big)
    numbers.push(body.Records?.[0].SequenceNumber)
  }
  for (const reader of [bench, await bench.reopen()]) {
    const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'AT_SEQUENCE_NUMBER' }
    const at = { ...start, StartingSequenceNumber: numbers[38] }
    const { ShardIterator } = await reader.ok('GetShardIterator', at)
    const before = reader.disk.readBytes
    const page = await reader.ok('GetRecords', { ShardIterator, Limit: 1 })
    assert.equal(page.Records[0].SequenceNumber, numbers[38])
    assert.ok(reader.disk.readBytes - before < 3 * 256 * 1024)
    const next = await reader.ok('GetRecords', { ShardIterator: page.NextShardIterator })
    assert.equal(next.Records.length, 1)
  }
})

test('iterators and tokens outlive a restart', async () => {
  const bench = await benchWithStream()
  await put(bench, 'a')
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await bench.ok('GetShardIterator', start)

  const after = await bench.reopen()

  const { Records } = await after.ok('GetRecords', { ShardIterator })
  assert.deepEqual(textsOf(Records), ['a'])
})

test('after close nothing is stored any more', async () => {
  const bench = await benchWithStream()
  await bench.kinesis.close()

  const { body } = await put(bench, 'a')

  assert.equal(body.FailedRecordCount, 1)
  assert.equal(bench.clock.scheduledCount, 0)
})
