import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CUT,
  type HttpAnswer,
  type HttpService,
  isAnswer,
  type NoAnswer,
} from '../../src/host/index.ts'
import {
  Machine,
  type NetworkFaults,
  NO_NETWORK_FAULTS,
  SimNetwork,
  World,
} from '../../src/sim/index.ts'

const ORIGIN = 'http://service'

/** A service that keeps what it got and says how long it was. */
class Recorder implements HttpService {
  readonly bodies: Buffer[] = []
  readonly answers: ((answer: HttpAnswer) => void)[] = []
  abortCount = 0
  answersAtOnce = true

  begin() {
    return {
      maxBodyBytes: 100,
      end: (body: Buffer, answer: (answer: HttpAnswer) => void) => {
        this.bodies.push(body)
        this.answers.push(answer)
        if (this.answersAtOnce) answer({ status: 200, headers: [], body: `${body.length}` })
      },
      tooLarge: () => ({ status: 413, headers: [], body: '' }),
      abort: () => {
        this.abortCount++
      },
    }
  }
}

function prepare(faults: Partial<NetworkFaults> = {}) {
  const world = new World({ seed: 5 })
  const network = new SimNetwork(world)
  const serverMachine = new Machine(world, network, { name: 'server' })
  const clientMachine = new Machine(world, network, { name: 'client' })
  const service = new Recorder()
  const link = {
    latencyMs: 10,
    jitterMs: 0,
    bytesPerSecond: null,
    faults: { ...NO_NETWORK_FAULTS, ...faults },
  }
  network.serve(ORIGIN, serverMachine.start(), service, link)
  const client = clientMachine.start()
  const send = (body: Uint8Array, deadlineAtMs = 1_000) => {
    const ending: { value: HttpAnswer | NoAnswer | null; atMs: number } = { value: null, atMs: -1 }
    client.network
      .exchange({ origin: ORIGIN, method: 'POST', target: '/', headers: [], body }, deadlineAtMs)
      .then((value) => {
        ending.value = value
        ending.atMs = world.nowMs
      })
    return ending
  }
  return { world, service, send, serverMachine, clientMachine }
}

test('a request arrives as it was sent, and its answer takes the way back', async () => {
  const { world, service, send } = prepare()
  const body = Buffer.from('hello')
  const ending = send(body)
  body.fill('x')
  await world.runFor(2_000)

  assert.equal(String(service.bodies[0]), 'hello')
  assert.ok(ending.value !== null && isAnswer(ending.value))
  assert.equal(String(ending.value.body), '5')
  assert.equal(ending.atMs, 20)
  assert.equal(service.abortCount, 0)
})

test('a body beyond the bound is refused without the service seeing it', async () => {
  const { world, service, send } = prepare()
  const atBound = send(Buffer.alloc(100))
  const above = send(Buffer.alloc(101))
  await world.runFor(100)
  assert.equal((atBound.value as HttpAnswer).status, 200)
  assert.equal((above.value as HttpAnswer).status, 413)
  assert.equal(service.bodies.length, 1)
})

const endings: [keyof NetworkFaults, string, boolean, number][] = [
  ['refusedPerMille', 'connect-failed', false, 0],
  ['lostPerMille', 'timed-out', true, 0],
  ['resetBeforePerMille', 'connection-lost', true, 0],
  ['resetAfterPerMille', 'connection-lost', true, 1],
  ['answerLostPerMille', 'timed-out', true, 1],
]
for (const [fault, noAnswer, mayBeWritten, actedCount] of endings) {
  test(`${fault} ends in ${noAnswer} when the service acted ${actedCount} times`, async () => {
    const { world, service, send } = prepare({ [fault]: 1000 })
    const ending = send(Buffer.from('x'))
    await world.runFor(5_000)
    assert.partialDeepStrictEqual(ending.value, { noAnswer, mayBeWritten })
    assert.equal(service.bodies.length, actedCount)
  })
}

test('a service that cuts the connection leaves open whether it acted', async () => {
  const { world, service, send } = prepare()
  service.answersAtOnce = false
  const ending = send(Buffer.from('x'))
  await world.runFor(15)
  service.answers[0]!(CUT)
  await world.runFor(100)
  assert.partialDeepStrictEqual(ending.value, { noAnswer: 'connection-lost', mayBeWritten: true })
})

test('a request can arrive twice, in bodies of their own, and is answered once', async () => {
  const { world, service, send } = prepare({ twicePerMille: 1000 })
  const ending = send(Buffer.from('x'))
  await world.runFor(10_000)
  assert.equal((ending.value as HttpAnswer).status, 200)
  assert.equal(service.bodies.length, 2)
  assert.notEqual(service.bodies[0]!.buffer, service.bodies[1]!.buffer)
})

test('a service that does not answer is told when the client gives up', async () => {
  const { world, service, send } = prepare()
  service.answersAtOnce = false
  const ending = send(Buffer.from('x'), 500)
  await world.runFor(600)
  assert.partialDeepStrictEqual(ending.value, { noAnswer: 'timed-out', mayBeWritten: true })
  assert.equal(ending.atMs, 500)
  assert.equal(service.abortCount, 1)
  service.answers[0]!({ status: 200, headers: [], body: 'too late' })
  await world.runFor(600)
})

test('a crash of the service breaks its connections; then nothing is there', async () => {
  const { world, service, send, serverMachine } = prepare()
  service.answersAtOnce = false
  const during = send(Buffer.from('x'))
  await world.runFor(15)
  serverMachine.crash({ isPowerLost: false })
  const after = send(Buffer.from('y'))
  await world.runFor(100)
  assert.partialDeepStrictEqual(during.value, { noAnswer: 'connection-lost', mayBeWritten: true })
  assert.partialDeepStrictEqual(after.value, { noAnswer: 'connect-failed', mayBeWritten: false })
})

test('a crash of the client is an abort for the service, and no ending for anybody', async () => {
  const { world, service, send, clientMachine } = prepare()
  service.answersAtOnce = false
  const ending = send(Buffer.from('x'))
  await world.runFor(15)
  clientMachine.crash({ isPowerLost: false })
  await world.runFor(5_000)
  assert.equal(ending.value, null)
  assert.equal(service.abortCount, 1)
})

test('a link carries no more bytes a second than it has', async () => {
  const world = new World({ seed: 1 })
  const network = new SimNetwork(world)
  const service = new Recorder()
  const link = { latencyMs: 0, jitterMs: 0, bytesPerSecond: 1_000 }
  network.serve(ORIGIN, new Machine(world, network, { name: 's' }).start(), service, link)
  const client = new Machine(world, network, { name: 'c' }).start()
  const arrivedAtMs: number[] = []
  for (let i = 0; i < 3; i++) {
    const request = {
      origin: ORIGIN,
      method: 'POST',
      target: '/',
      headers: [],
      body: Buffer.alloc(100),
    }
    client.network.exchange(request, 10_000).then(() => arrivedAtMs.push(world.nowMs))
  }
  await world.runFor(1_000)
  // To the millisecond: a passage of no length takes a little all the same.
  assert.deepEqual(arrivedAtMs.map(Math.round), [100, 200, 300])
})
