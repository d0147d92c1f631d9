import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type DiskFaults, Machine, NO_DISK_FAULTS, SimNetwork, World } from '../../src/sim/index.ts'

function prepare(seed: number, faults: Partial<DiskFaults> = {}) {
  const world = new World({ seed })
  const diskFaults = { ...NO_DISK_FAULTS, ...faults }
  const machine = new Machine(world, new SimNetwork(world), { name: 'box', diskFaults })
  const run = async <T>(work: Promise<T>): Promise<T> => {
    work.catch(() => {})
    await world.runFor(10_000)
    return work
  }
  return { world, machine, run }
}

test('synced bytes survive power loss; what follows them comes from what was written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(100_000), fc.nat(3_000), fc.nat(3_000), async (seed, synced, more) => {
      const { machine, run } = prepare(seed)
      const file = await run(machine.start().disk.open('log'))
      await run(file.append([Buffer.alloc(synced, 's')]))
      await run(file.sync())
      await run(file.append([Buffer.alloc(more, 'm')]))

      machine.crash({ isPowerLost: true })
      const after = await run(machine.start().disk.load('log'))

      assert.ok(after !== null && after.length >= synced && after.length <= synced + more)
      assert.ok(after.subarray(0, synced).equals(Buffer.alloc(synced, 's')))
      assert.ok(after.subarray(synced).every((byte) => byte === 0 || byte === 'm'.charCodeAt(0)))
    }),
    { numRuns: 60 },
  )
})

test('power loss takes all, some or none of the unsynced bytes, as the seed has it', async () => {
  const left = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const { machine, run } = prepare(seed)
    const file = await run(machine.start().disk.open('log'))
    await run(file.append([Buffer.alloc(2_000, 'm')]))
    machine.crash({ isPowerLost: true })
    const after = (await run(machine.start().disk.load('log')))!
    if (after.length === 0) left.add('nothing')
    else if (after.includes(0)) left.add('a hole')
    else if (after.length % 512 !== 0 && after.length < 2_000) left.add('a torn end')
  }
  assert.deepEqual([...left].sort(), ['a hole', 'a torn end', 'nothing'])
})

test('the end of a process alone forgets nothing that was written', async () => {
  const { machine, run } = prepare(1)
  const file = await run(machine.start().disk.open('log'))
  await run(file.append([Buffer.from('written')]))
  machine.crash({ isPowerLost: false })
  assert.equal(String(await run(machine.start().disk.load('log'))), 'written')
})

test('a crash within an append leaves a part of it', async () => {
  const lengths = new Set<number>()
  for (let seed = 0; seed < 20; seed++) {
    const { machine, run } = prepare(seed)
    const file = await run(machine.start().disk.open('log'))
    file.append([Buffer.alloc(100)])
    machine.crash({ isPowerLost: false })
    lengths.add((await run(machine.start().disk.load('log')))!.length)
  }
  assert.ok(lengths.size > 5)
})

test('a file is replaced whole or not at all', async () => {
  const found = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const { machine, run } = prepare(seed)
    const { disk } = machine.start()
    await run(disk.replace('state', Buffer.from('old')))
    disk.replace('state', Buffer.from('the new one'))
    machine.crash({ isPowerLost: true })
    found.add(String(await run(machine.start().disk.load('state'))))
  }
  assert.deepEqual([...found].sort(), ['old', 'the new one'])
})

test('a truncation that was not synced may be undone by power loss', async () => {
  const found = new Set<string>()
  for (let seed = 0; seed < 30; seed++) {
    const { machine, run } = prepare(seed)
    const file = await run(machine.start().disk.open('log'))
    await run(file.append([Buffer.from('durable')]))
    await run(file.sync())
    await run(file.truncate(3))
    machine.crash({ isPowerLost: true })
    found.add(String(await run(machine.start().disk.load('log'))))
  }
  assert.deepEqual([...found].sort(), ['dur', 'durable'])
})

test('a synced truncation stays', async () => {
  const { machine, run } = prepare(1)
  const file = await run(machine.start().disk.open('log'))
  await run(file.append([Buffer.from('durable')]))
  await run(file.sync())
  await run(file.truncate(3))
  await run(file.append([Buffer.from('X')]))
  await run(file.sync())
  machine.crash({ isPowerLost: true })
  assert.equal(String(await run(machine.start().disk.load('log'))), 'durX')
})

test('a full disk refuses a write and keeps a part of it at most', async () => {
  const { machine, run } = prepare(1, { capacityBytes: 100 })
  const file = await run(machine.start().disk.open('log'))
  await run(file.append([Buffer.alloc(100)]))
  await assert.rejects(run(file.append([Buffer.alloc(1)])), { name: 'DiskError', code: 'ENOSPC' })
  await run(file.truncate(99))
  await run(file.append([Buffer.alloc(1)]))
})

test('a failing disk fails until the faults stop', async () => {
  const { world, machine, run } = prepare(1, { errorPerMille: 1000 })
  const file = await run(machine.start().disk.open('log'))
  await assert.rejects(run(file.append([Buffer.alloc(10)])), { name: 'DiskError', code: 'EIO' })
  await assert.rejects(run(file.sync()), { name: 'DiskError', code: 'EIO' })
  world.stopFaults()
  await run(file.truncate(0))
  await run(file.append([Buffer.from('fine')]))
  assert.equal(String(await run(file.read(0, 10))), 'fine')
})

test('what a failed sync dropped stays when it is written anew, and not when it is synced', async () => {
  const lostAfter = async (mend: 'rewrite' | 'sync') => {
    let lostCount = 0
    for (let seed = 0; seed < 40; seed++) {
      const { world, machine, run } = prepare(seed, { errorPerMille: 500 })
      const { disk } = machine.start()
      const file = await run(disk.open('log'))
      const tryIt = (work: Promise<void>) =>
        run(work).then(
          () => true,
          () => false,
        )
      if (!(await tryIt(file.append([Buffer.from('bytes')])))) continue
      if (await tryIt(file.sync())) continue
      world.stopFaults()
      await run(mend === 'sync' ? file.sync() : disk.rewrite('log'))
      machine.crash({ isPowerLost: true })
      if (String(await run(machine.start().disk.load('log'))) !== 'bytes') lostCount++
    }
    return lostCount
  }
  assert.equal(await lostAfter('rewrite'), 0)
  assert.notEqual(await lostAfter('sync'), 0)
})
