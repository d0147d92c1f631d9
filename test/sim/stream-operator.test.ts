import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HttpHead, headerOf } from '../../src/host/index.ts'
import { Machine } from '../../src/sim/machine.ts'
import { SimNetwork } from '../../src/sim/sim-network.ts'
import { StreamOperator } from '../../src/sim/stream-operator.ts'
import { World } from '../../src/sim/world.ts'

const ORIGIN = 'http://kinesis'
const LINK = { latencyMs: 1, jitterMs: 0, bytesPerSecond: null }

/** Knows one stream, and nothing of it but whether it is there. */
class Service {
  isThere = true

  begin({ headers }: HttpHead) {
    const isCreation = headerOf(headers, 'x-amz-target')!.endsWith('.CreateStream')
    const isRefused = isCreation === this.isThere
    this.isThere = isCreation
    return isRefused
      ? { status: 400, headers: [], body: '{"__type":"ResourceInUseException"}' }
      : { status: 200, headers: [], body: '' }
  }
}

test('a stream that is made anew is there though its deletion is delivered twice', async () => {
  const world = new World({ seed: 1 })
  const network = new SimNetwork(world)
  const service = new Service()
  network.serve(ORIGIN, new Machine(world, network, { name: 'kinesis' }).start(), service, LINK)
  const process = new Machine(world, network, { name: 'operator' }).start()
  const operator = new StreamOperator(world, process, ORIGIN)

  operator.makeAnew({ name: 's1', shardCount: 1, maxRecordSizeKiB: 1_024 })
  await world.runFor(4_900)
  assert.equal(service.isThere, true)
  service.isThere = false

  assert.equal(await world.runUntil(() => !operator.isBusy, 10_000), true)
  assert.equal(service.isThere, true)
})
