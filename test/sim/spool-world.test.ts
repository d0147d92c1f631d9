// Worlds of the spool alone, and parts broken on purpose, to see that its checkers notice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk, LogFile } from '../../src/host/index.ts'
import { type SpoolHooks, SpoolWorld } from '../../src/sim/index.ts'
import { fileMethodsOf } from '../changed-disk.ts'

const WORLD_COUNT = 200
/** A part that is broken all the time shows within so many worlds. */
const BROKEN_WITHIN = 3000

test(`${WORLD_COUNT} worlds keep what they promised`, async () => {
  let duplicates = 0
  for (let seed = 1; seed <= WORLD_COUNT; seed++) {
    duplicates += (await new SpoolWorld(seed).run()).duplicates
  }
  assert.ok(duplicates > 0, 'crashes come while records are out')
})

test('a seed is the same world twice', async () => {
  for (const seed of [3, 41, 77]) {
    const [first, second] = [await new SpoolWorld(seed).run(), await new SpoolWorld(seed).run()]
    assert.equal(first.digest, second.digest)
  }
})

/** A disk whose files are as `change` has them. */
function files(isMeant: (name: string) => boolean, change: (file: LogFile) => Partial<LogFile>) {
  const changed = (file: LogFile) =>
    isMeant(file.name) ? { ...fileMethodsOf(file), ...change(file) } : file
  const disk = (inner: Disk): Disk => ({
    ...inner,
    open: async (name) => changed(await inner.open(name)),
    renew: async (oldName, name) => changed(await inner.renew!(oldName, name)),
  })
  return { disk }
}

const isTrue = () => true
const isFalse = () => false
const isLog = (name: string) => name.endsWith('.log')
const isOutcomes = (name: string) => name.endsWith('.outcomes')

const BROKEN: readonly (readonly [string, Partial<SpoolHooks>, RegExp])[] = [
  [
    'a sync that syncs nothing',
    files(isLog, () => ({ sync: async () => {} })),
    /[0-9] of [0-9]|lost|as they were closed/,
  ],
  [
    'a failed sync that is tried again and believed',
    files(isLog, (file) => ({
      sync: async () => {
        while (!(await file.sync().then(isTrue, isFalse)));
      },
    })),
    /lost|refused for good|[0-9] of [0-9]/,
  ],
  [
    'a cut that is not synced',
    files(isLog, (file) => {
      let isCut = false
      return {
        truncate: (sizeBytes) => {
          isCut = true
          return file.truncate(sizeBytes)
        },
        sync: async () => {
          if (!isCut) return file.sync()
          isCut = false
        },
      }
    }),
    /refused for good|lost/,
  ],
  [
    'what a crash left and is not written anew',
    { disk: (inner) => ({ ...inner, rewrite: async () => {} }) },
    /lost|[0-9] of [0-9]|is not remembered/,
  ],
  [
    'outcomes that are never synced',
    files(isOutcomes, () => ({ sync: async () => {} })),
    /for good|[0-9] of [0-9]/,
  ],
  [
    'outcomes that are not written',
    files(isOutcomes, () => ({ append: async () => {} })),
    /for good|[0-9] of [0-9]|is not known|as they were closed/,
  ],
  [
    'keys that go with their receipts',
    {
      disk: (inner) => ({
        ...inner,
        replace: (name, bytes) =>
          isOutcomes(name) ? inner.remove(name) : inner.replace(name, bytes),
      }),
    },
    /is not remembered|it tells of/,
  ],
  [
    'a log that loses the last record of each group',
    files(isLog, (file) => ({
      append: ([bytes]) => file.append([bytes!.subarray(0, bytes!.length - 1)]),
    })),
    /[0-9] of [0-9]|lost/,
  ],
  [
    'logs that go too early',
    {
      disk: (inner) => ({
        ...inner,
        open: async (name) => {
          const names = (await inner.list()).filter(isLog).sort()
          if (isLog(name) && names.length > 2) await inner.remove(names[0]!)
          return inner.open(name)
        },
      }),
    },
    /[0-9] of [0-9]|lost|never settled/,
  ],
  [
    'totals that are forgotten',
    { disk: (inner) => ({ ...inner, load: async () => null }) },
    /[0-9] of [0-9]|as they were closed/,
  ],
  [
    'lanes that change and do not say so',
    {
      line: (inner) => {
        let calls = 0
        return {
          put: (record) => inner.put(record),
          laneOf: (record) => inner.laneOf(record) + (calls++ % 7),
          onLanesChanged: (told) => inner.onLanesChanged(told),
        }
      },
    },
    /after a later one/,
  ],
  [
    'a line that is given other bytes',
    {
      line: (inner) => ({
        put: (record) => {
          record.data[record.data.length - 1]! ^= 1
          inner.put(record)
        },
        laneOf: (record) => inner.laneOf(record),
        onLanesChanged: (told) => inner.onLanesChanged(told),
      }),
    },
    /as it was appended|nobody appended/,
  ],
]

for (const [what, hooks, message] of BROKEN) {
  test(`it is noticed: ${what}`, async () => {
    for (let seed = 1; seed <= BROKEN_WITHIN; seed++) {
      try {
        await new SpoolWorld(seed, hooks).run()
      } catch (error) {
        return assert.match((error as Error).message, message)
      }
    }
    assert.fail(`not within ${BROKEN_WITHIN} worlds`)
  })
}
