// Who is in one group: what is written first, and who is told first, while others wait.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, MemoryDisk } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { recordOf, Station } from './station.ts'

/** A spool with what happens to it, in order; each write waits until it is let go on. */
async function slowStation() {
  const events: string[] = []
  const held: (() => void)[] = []
  const inner = new MemoryDisk({ maxBytes: 2 ** 20 })
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      if (!name.endsWith('.log')) return file
      return {
        ...fileMethodsOf(file),
        append: async (chunks) => {
          const texts = Buffer.concat(chunks as Buffer[]).toString('latin1')
          events.push(`write ${texts.match(/client-[a-z]/g)?.join(' ')}`)
          await new Promise<void>((resolve) => held.push(resolve))
          return file.append(chunks)
        },
      }
    },
  }
  const station = await Station.open({ disk })
  station.handed.push = (text) => events.push(`hand on ${text}`)
  return { station, events, letGo: () => held.shift()!() }
}

/** Comes again as soon as it is told, so often. */
function client(station: Station, events: string[], name: string, againCount: number): void {
  const text = `client-${name}`
  station.spool.append({
    records: [recordOf(text)],
    idempotency: null,
    settled: null,
    refused: () => assert.fail('refused'),
    durable: () => {
      events.push(`tell ${text}`)
      if (againCount > 0) client(station, events, name, againCount - 1)
    },
  })
}

test('few that wait are one group with those who come again when they are told', async () => {
  const { station, events, letGo } = await slowStation()
  for (const name of ['a', 'b', 'c']) client(station, events, name, 1)
  await station.turn()
  client(station, events, 'd', 0)
  await station.turn()
  letGo()
  await station.turn()

  assert.deepEqual(events, [
    'write client-a client-b client-c',
    'tell client-a',
    'tell client-b',
    'tell client-c',
    'write client-d client-a client-b client-c',
    'hand on client-a',
    'hand on client-b',
    'hand on client-c',
  ])
})

test('as many as are told do not wait for them', async () => {
  const { station, events, letGo } = await slowStation()
  client(station, events, 'a', 0)
  await station.turn()
  client(station, events, 'b', 0)
  await station.turn()
  letGo()
  await station.turn()

  assert.deepEqual(events, [
    'write client-a',
    'write client-b',
    'tell client-a',
    'hand on client-a',
  ])
})

test('whoever was told is handed on also when the spool stops in that moment', async () => {
  const { station, events, letGo } = await slowStation()
  const stop = () => queueMicrotask(() => station.spool.stop())
  station.spool.append({
    records: [recordOf('client-a'), recordOf('client-b')],
    idempotency: null,
    settled: null,
    refused: () => assert.fail('refused'),
    durable: stop,
  })
  await station.turn()
  letGo()
  await station.turn()

  assert.deepEqual(events, ['write client-a client-b', 'hand on client-a', 'hand on client-b'])
})
