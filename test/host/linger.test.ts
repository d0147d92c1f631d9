import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Linger } from '../../src/host/node/linger.ts'

class ScriptedSocket extends EventEmitter {
  isEnded = false
  isDestroyed = false

  end(): this {
    this.isEnded = true
    return this
  }

  destroy(): this {
    this.isDestroyed = true
    this.emit('close')
    return this
  }
}

function prepare({ mock }: TestContext) {
  mock.timers.enable({ apis: ['setInterval'] })
  const socket = new ScriptedSocket()
  return { socket, linger: new Linger(socket as never), pass: (ms: number) => mock.timers.tick(ms) }
}

test('a client that sends nothing more is waited for two seconds', (t) => {
  const { socket, pass } = prepare(t)
  assert.ok(socket.isEnded)
  pass(1_999)
  assert.ok(!socket.isDestroyed)
  pass(1)
  assert.ok(socket.isDestroyed)
})

test('one that goes on sending is read for half a minute, and no longer', (t) => {
  const { socket, linger, pass } = prepare(t)
  for (let ms = 0; ms < 29_000; ms += 1_000) {
    linger.moved()
    pass(1_000)
    assert.ok(!socket.isDestroyed, `${ms} ms`)
  }
  linger.moved()
  pass(1_000)
  assert.ok(socket.isDestroyed)
})

test('one that stops sending is closed soon', (t) => {
  const { socket, linger, pass } = prepare(t)
  pass(1_000)
  linger.moved()
  pass(2_999)
  assert.ok(!socket.isDestroyed)
  pass(1)
  assert.ok(socket.isDestroyed)
})
