import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyRegistry } from '../../src/workers/index.ts'

interface Entry {
  readonly hash: string
}

function registry() {
  const kept = new Map<string, Entry>()
  const state = { isComplete: true, asked: 0 }
  const keys = new KeyRegistry<Entry>({
    known: async (key) => {
      state.asked++
      await Promise.resolve()
      return { entry: kept.get(key) ?? null, isComplete: state.isComplete }
    },
    hashOf: ({ hash }) => hash,
  })
  return { keys, kept, state }
}

test('of two workers that ask for a key at once, one gets it', async () => {
  const { keys, state } = registry()
  const claims = await Promise.all([keys.claim(0, 'k', 'a'), keys.claim(1, 'k', 'a')])
  assert.deepEqual(
    claims.map(({ kind }) => kind),
    ['mine', 'running'],
  )
  assert.deepEqual(await keys.claim(1, 'k', 'b'), { kind: 'mismatch' })
  assert.equal(state.asked, 1)
})

test('a key that was given back is asked for anew, and only its holder can give it back', async () => {
  const { keys, kept } = registry()
  await keys.claim(0, 'k', 'a')
  keys.release(1, 'k')
  assert.deepEqual(await keys.claim(1, 'k', 'a'), { kind: 'running' })

  kept.set('k', { hash: 'a' })
  keys.release(0, 'k')
  assert.deepEqual(await keys.claim(1, 'k', 'a'), { kind: 'known', entry: { hash: 'a' } })
  assert.deepEqual(await keys.claim(1, 'k', 'b'), { kind: 'mismatch' })
  assert.equal(keys.size, 0)
})

test('while a worker is away that may know a key, nobody gets it', async () => {
  const { keys, state } = registry()
  state.isComplete = false
  assert.deepEqual(await keys.claim(0, 'k', 'a'), { kind: 'running' })
  state.isComplete = true
  assert.deepEqual(await keys.claim(0, 'k', 'a'), { kind: 'mine' })
})

test('the keys of a worker that ended are held until the next one is ready', async () => {
  const { keys, kept } = registry()
  await keys.claim(0, 'kept', 'a')
  await keys.claim(0, 'lost', 'a')
  await keys.claim(1, 'other', 'a')

  keys.workerEnded(0)
  assert.deepEqual(await keys.claim(1, 'kept', 'a'), { kind: 'running' })

  kept.set('kept', { hash: 'a' })
  keys.workerReady(0)
  assert.equal((await keys.claim(1, 'kept', 'a')).kind, 'known')
  assert.equal((await keys.claim(1, 'lost', 'a')).kind, 'mine')
  assert.equal((await keys.claim(0, 'other', 'a')).kind, 'running')
})

test('what a new life of a worker holds is not given back for the old one', async () => {
  const { keys } = registry()
  keys.workerEnded(0)
  await keys.claim(0, 'k', 'a')
  keys.workerReady(0)
  assert.equal((await keys.claim(1, 'k', 'a')).kind, 'running')
})
