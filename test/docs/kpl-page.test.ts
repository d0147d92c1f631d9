// docs/kpl.md names the test that shows each claim: they must be there, under those titles.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const page = readFileSync('docs/kpl.md', 'utf8')

test('every test that the page about the KPL names is there', () => {
  const named = [...page.matchAll(/`(test\/[^`]+\.test\.ts)`\s+"([^"]+)"/g)]
  const missing = named
    .map(([, path, title]) => ({ path: path!, title: title!.replaceAll(/\s+/g, ' ') }))
    .filter(({ path, title }) => !readFileSync(path, 'utf8').includes(title))
  assert.ok(named.length > 60, `${named.length} are named`)
  assert.deepEqual(missing, [])
})

test('every known weakness of the KPL has its paragraph, in order', () => {
  const numbers = [...page.matchAll(/^\*\*W(\d+)\. /gm)].map(([, number]) => Number(number))
  assert.deepEqual(
    numbers,
    Array.from({ length: 43 }, (_, i) => i + 1),
  )
})
