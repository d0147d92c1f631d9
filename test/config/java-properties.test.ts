import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProperties } from '../../src/config/index.ts'

function pairsOf(...lines: string[]): [string, string][] {
  return parseProperties(lines.join('\n')).map(({ key, value }) => [key, value])
}

test('the three separators, and blanks round them, divide a key from its value', () => {
  assert.deepEqual(pairsOf('a=1', 'b : 2', 'c 3', ' \td\t=\t4', 'e', 'f=', 'g==x', 'h = :y'), [
    ['a', '1'],
    ['b', '2'],
    ['c', '3'],
    ['d', '4'],
    ['e', ''],
    ['f', ''],
    ['g', '=x'],
    ['h', ':y'],
  ])
})

test('comments and blank lines say nothing, and do not go on', () => {
  assert.deepEqual(pairsOf('# a=1', '   ! b=2 \\', 'c=3 # no comment', '', '  \t'), [
    ['c', '3 # no comment'],
  ])
})

test('a line goes on after an odd number of backslashes, without the blanks that follow', () => {
  assert.deepEqual(pairsOf('a = one,\\', '    two,\\', '\t# three', 'b=x\\\\', 'c=y\\'), [
    ['a', 'one,two,# three'],
    ['b', 'x\\'],
    ['c', 'y'],
  ])
})

test('escapes stand for their characters, in keys too', () => {
  assert.deepEqual(pairsOf('a\\ b\\=c = \\u00e4\\t\\n\\q\\\\u0041', '\\#x=1'), [
    ['a b=c', 'ä\t\nq\\u0041'],
    ['#x', '1'],
  ])
})

test('every way to end a line counts as one, and lines keep their numbers', () => {
  const found = parseProperties('a=1\r\n# no\rb=\\\n 2\n\nc=3')
  assert.deepEqual(
    found.map(({ key, line }) => `${key}:${line}`),
    ['a:1', 'b:3', 'c:6'],
  )
})

test('an escape that Java refuses is marked', () => {
  const [windows, whole, doubled] = parseProperties('a=C:\\users\nb=\\u0041\nc=C:\\\\users')
  assert.equal(windows!.isMalformed, true)
  assert.equal(whole!.isMalformed || doubled!.isMalformed, false)
})

test('blanks at the end belong to the value, as in Java', () => {
  assert.deepEqual(pairsOf('a = 1 '), [['a', '1 ']])
})
