// Which heads the plain-request lane takes. Whatever it does not take is for Node's parser, so
// each doubt must end in null.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  LENGTH_MAX_DIGITS,
  PLAIN_FIELDS_MAX_COUNT,
  PLAIN_HEAD_MAX_BYTES,
  readPlainHead,
} from '../../src/host/node/plain-head.ts'

const read = (text: string) => readPlainHead(Buffer.from(text, 'latin1'))
const post = (...fields: string[]) => `POST /a HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`

test('a plain head is read as it stands', () => {
  const text =
    'POST /a/%20?b=c&d HTTP/1.1\r\nHost: x:1\r\nX-A:\r\nX-b: \t two  words \t\r\nX-A: 2\r\n' +
    'Connection: Keep-Alive\r\ncontent-length: 007\r\n\r\nabc'
  assert.deepEqual(read(text), {
    head: {
      method: 'POST',
      target: '/a/%20?b=c&d',
      headers: [
        ...['Host', 'x:1', 'X-A', '', 'X-b', 'two  words', 'X-A', '2'],
        ...['Connection', 'Keep-Alive', 'content-length', '007'],
      ],
    },
    headBytes: text.length - 3,
    bodyBytes: 7,
  })
})

test('a head without a length has no body', () => {
  assert.deepEqual(read('GET / HTTP/1.1\r\nhost: x\r\n\r\n'), {
    head: { method: 'GET', target: '/', headers: ['host', 'x'] },
    headBytes: 27,
    bodyBytes: 0,
  })
})

test('a head of the greatest length is read, a longer one is not', () => {
  const of = (sizeBytes: number) => post('host: x', `y: ${'z'.repeat(sizeBytes - 34)}`)
  assert.equal(of(100).length, 100)
  assert.equal(read(of(PLAIN_HEAD_MAX_BYTES - 1))?.headBytes, PLAIN_HEAD_MAX_BYTES - 1)
  assert.equal(read(of(PLAIN_HEAD_MAX_BYTES))?.headBytes, PLAIN_HEAD_MAX_BYTES)
  assert.equal(read(of(PLAIN_HEAD_MAX_BYTES + 1)), null)
})

test('so many fields are read, one more is not', () => {
  const of = (count: number) => post('host: x', ...Array(count - 1).fill('a: b'))
  assert.equal(read(of(PLAIN_FIELDS_MAX_COUNT - 1))?.head.headers.length, 126)
  assert.equal(read(of(PLAIN_FIELDS_MAX_COUNT))?.head.headers.length, 128)
  assert.equal(read(of(PLAIN_FIELDS_MAX_COUNT + 1)), null)
})

test('a length of so many digits is read, a longer one is not', () => {
  const of = (digits: number) => post('host: x', `content-length: ${'9'.repeat(digits)}`)
  assert.equal(read(of(LENGTH_MAX_DIGITS - 1))?.bodyBytes, 99_999_999_999_999)
  assert.equal(read(of(LENGTH_MAX_DIGITS))?.bodyBytes, 999_999_999_999_999)
  assert.equal(read(of(LENGTH_MAX_DIGITS + 1)), null)
})

const OK = 'host: x'
/** What request smuggling is made of, and what else is not plain. */
const odd: Record<string, string> = {
  'a length and chunks (CL.TE)': post(OK, 'content-length: 3', 'transfer-encoding: chunked'),
  'chunks and a length (TE.CL)': post(OK, 'transfer-encoding: chunked', 'content-length: 3'),
  'chunks alone': post(OK, 'Transfer-Encoding: chunked'),
  'a coding that is none': post(OK, 'transfer-encoding: xchunked'),
  'two different lengths': post(OK, 'content-length: 3', 'Content-Length: 4'),
  'the same length twice': post(OK, 'content-length: 3', 'content-length: 3'),
  'two lengths in one': post(OK, 'content-length: 3, 3'),
  'a length with a plus': post(OK, 'Content-Length: +5'),
  'a length with a minus': post(OK, 'Content-Length: -5'),
  'a length in hexadecimal': post(OK, 'Content-Length: 0x5'),
  'a length with an underscore': post(OK, 'Content-Length: 1_0'),
  'a length in two words': post(OK, 'Content-Length: 1 0'),
  'an empty length': post(OK, 'Content-Length:'),
  'a length after a space': post(OK, ' Content-Length: 5'),
  'a length as the first field after a space': 'POST / HTTP/1.1\r\n Content-Length: 5\r\n\r\n',
  'a space before the colon': post(OK, 'Content-Length : 5'),
  'a tab before the colon': post(OK, 'Content-Length\t: 5'),
  'a name that is empty': post(OK, ': 5'),
  'a name without a colon': post(OK, 'content-length'),
  'a NUL in a name': post(OK, 'a\0b: 5'),
  'a NUL in a value': post(OK, 'a: b\0c'),
  'a NUL in the target': 'POST /\0 HTTP/1.1\r\nhost: x\r\n\r\n',
  'a vertical tab in a value': post(OK, 'a: b\vc'),
  'DEL in a value': post(OK, 'a: b\x7fc'),
  'a byte above ASCII in a value': post(OK, 'a: \xe9'),
  'a byte above ASCII in a name': post(OK, '\xe9: a'),
  'a byte above ASCII in the target': 'POST /\xe9 HTTP/1.1\r\nhost: x\r\n\r\n',
  'a folded line': post(OK, 'a: b', ' c'),
  'a line folded with a tab': post(OK, 'a: b', '\tc'),
  'a bare LF between fields': 'POST / HTTP/1.1\r\nhost: x\na: b\r\n\r\n',
  'a bare LF after the request line': 'POST / HTTP/1.1\nhost: x\r\n\r\n',
  'bare LFs everywhere': 'POST / HTTP/1.1\nhost: x\n\n',
  'a bare LF as the end': 'POST / HTTP/1.1\r\nhost: x\r\n\n',
  'a bare CR in a value': post(OK, 'a: b\rc'),
  'a bare CR between fields': 'POST / HTTP/1.1\r\nhost: x\ra: b\r\n\r\n',
  'CR twice': 'POST / HTTP/1.1\r\nhost: x\r\r\n\r\n',
  'an empty line before it': `\r\n${post(OK)}`,
  'a space before it': ` ${post(OK)}`,
  'a whole URL': 'POST http://x/ HTTP/1.1\r\nhost: x\r\n\r\n',
  'an asterisk': 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n',
  'an asterisk for GET': 'GET * HTTP/1.1\r\nhost: x\r\n\r\n',
  CONNECT: 'CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n',
  'a fragment': 'GET /#a HTTP/1.1\r\nhost: x\r\n\r\n',
  'a space in the target': 'GET /a b HTTP/1.1\r\nhost: x\r\n\r\n',
  'two spaces before the target': 'GET  / HTTP/1.1\r\nhost: x\r\n\r\n',
  'two spaces before the version': 'GET /  HTTP/1.1\r\nhost: x\r\n\r\n',
  'a tab before the target': 'GET\t/ HTTP/1.1\r\nhost: x\r\n\r\n',
  'no target': 'GET HTTP/1.1\r\nhost: x\r\n\r\n',
  'a space after the version': 'GET / HTTP/1.1 \r\nhost: x\r\n\r\n',
  'HTTP/1.0': 'GET / HTTP/1.0\r\nhost: x\r\n\r\n',
  'HTTP/1.2': 'GET / HTTP/1.2\r\nhost: x\r\n\r\n',
  'HTTP/0.9': 'GET /\r\nhost: x\r\n\r\n',
  'a version in lower case': 'GET / http/1.1\r\nhost: x\r\n\r\n',
  'a method in lower case': 'post / HTTP/1.1\r\nhost: x\r\n\r\n',
  'a method that begins like one': 'POSTS / HTTP/1.1\r\nhost: x\r\n\r\n',
  'a method without a body in its answer': 'HEAD / HTTP/1.1\r\nhost: x\r\n\r\n',
  'no host': 'POST / HTTP/1.1\r\na: b\r\n\r\n',
  'no field': 'POST / HTTP/1.1\r\n\r\n',
  'an empty host': post('host:'),
  'two hosts': post(OK, 'Host: y'),
  'an expectation': post(OK, 'expect: 100-continue'),
  'an upgrade': post(OK, 'upgrade: websocket'),
  'trailers to come': post(OK, 'trailer: a'),
  'a transfer coding that is wanted': post(OK, 'te: trailers'),
  'a connection to be closed': post(OK, 'connection: close'),
  'a connection with more options': post(OK, 'connection: keep-alive, te'),
  'two words on the connection': post(OK, 'connection: keep-alive', 'connection: keep-alive'),
  'what Node takes for connection': post(OK, 'proxy-connection: close'),
  'a preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'no end': 'POST / HTTP/1.1\r\nhost: x\r\n',
  nothing: '',
}
for (const [what, text] of Object.entries(odd)) {
  test(`not plain: ${what}`, () => assert.equal(read(text), null))
}

test('no head is read before its last byte has come', () => {
  const text = post(OK, 'content-length: 3')
  for (let i = 0; i < text.length; i++) assert.equal(read(text.slice(0, i)), null)
  assert.equal(read(text)?.bodyBytes, 3)
})
