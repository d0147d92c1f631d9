// The embedded Kinesis on a simulated disk that fails, fills up, tears writes and forgets what was
// not synced, through crashes and jumps of the clock: one life of a shard for each seed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../src/config/index.ts'
import { EmbeddedKinesis, kinesisFields } from '../../src/kinesis/index.ts'
import { Machine, NO_DISK_FAULTS, SimNetwork, type SimRandom, World } from '../../src/sim/index.ts'

const SEED_COUNT = 60
const LIFE_COUNT = 4
const CALLS_PER_LIFE = 12

/** What became of one entry, as far as its sender knows. */
interface Told {
  readonly stored: Map<string, string>
  readonly refused: Set<string>
}

class Shard {
  readonly world: World
  readonly machine: Machine
  readonly random: SimRandom
  readonly told: Told = { stored: new Map(), refused: new Set() }
  #textCount = 0

  constructor(seed: number) {
    this.world = new World({ seed })
    this.random = this.world.random.fork('test')
    const diskFaults = {
      ...NO_DISK_FAULTS,
      errorPerMille: this.random.pick([0, 20, 200]),
      slowPerMille: this.random.pick([0, 100]),
      capacityBytes: this.random.pick([null, 20_000]),
    }
    const network = new SimNetwork(this.world)
    this.machine = new Machine(this.world, network, { name: 'box', diskFaults })
  }

  async live(): Promise<void> {
    const kinesis = await this.open()
    if (kinesis === null) return this.crash()
    const started = this.random.between(1, CALLS_PER_LIFE)
    for (let call = 0; call < started; call++) {
      this.put(kinesis)
      await this.world.runFor(this.random.below(3))
    }
    if (this.random.below(2) === 0) await this.world.runFor(2_000)
    this.crash()
  }

  /** Null when it was killed, or its disk failed, before it stood. */
  async open(): Promise<EmbeddedKinesis | null> {
    const process = this.machine.start()
    const config = readConfig(kinesisFields, {
      overrides: { limits: false, segmentMaxBytes: 64 * 1024 },
    })
    let opened: EmbeddedKinesis | null = null
    const opening = EmbeddedKinesis.open(process, config).then(async (kinesis) => {
      await kinesis.createStreamIfAbsent('s1', 1)
      opened = kinesis
    })
    opening.catch(() => {})
    await this.world.runFor(this.random.pick([5_000, 60_000]))
    return opened
  }

  crash(): void {
    this.machine.crash({ isPowerLost: this.random.below(2) === 0 })
    this.machine.jumpWallClock(this.random.pick([0, -3_600_000, 3_600_000]))
  }

  put(kinesis: EmbeddedKinesis): void {
    const texts = Array.from({ length: this.random.between(1, 5) }, () => `${this.#textCount++}`)
    const Records = texts.map((text) => ({
      PartitionKey: text,
      Data: Buffer.from(text.padEnd(this.random.below(3_000), '.')).toString('base64'),
    }))
    call(kinesis, 'PutRecords', { StreamName: 's1', Records }, (answer) => {
      assert.equal(answer.Records.length, texts.length)
      for (const [i, entry] of answer.Records.entries()) {
        if (entry.SequenceNumber === undefined) this.told.refused.add(texts[i]!)
        else this.told.stored.set(texts[i]!, entry.SequenceNumber)
      }
    })
  }

  async read(kinesis: EmbeddedKinesis): Promise<Map<string, string>> {
    const ask = async (action: string, input: object): Promise<Answer> => {
      let answer: Answer | null = null
      call(kinesis, action, input, (given) => {
        answer = given
      })
      await this.world.runUntil(() => answer !== null, 60_000)
      return answer!
    }
    const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
    let { ShardIterator } = await ask('GetShardIterator', start)
    const found = new Map<string, string>()
    let last = 0n
    for (;;) {
      const page = await ask('GetRecords', { ShardIterator, Limit: 7 })
      for (const { PartitionKey, SequenceNumber } of page.Records) {
        assert.ok(!found.has(PartitionKey!), `${PartitionKey} is there twice`)
        found.set(PartitionKey!, SequenceNumber!)
        assert.ok(BigInt(SequenceNumber!) > last, 'sequence numbers rise')
        last = BigInt(SequenceNumber!)
      }
      if (page.Records.length === 0) return found
      ShardIterator = page.NextShardIterator
    }
  }
}

interface Answer {
  readonly Records: { SequenceNumber?: string; PartitionKey?: string }[]
  readonly ShardIterator: string
  readonly NextShardIterator: string
}

function call(
  kinesis: EmbeddedKinesis,
  action: string,
  input: object,
  told: (answer: Answer) => void,
): void {
  const body = Buffer.from(JSON.stringify(input))
  const type = ['content-type', 'application/x-amz-json-1.1', 'content-length', `${body.length}`]
  const headers = [...type, 'x-amz-target', `Kinesis_20131202.${action}`]
  const taker = kinesis.begin({ method: 'POST', target: '/', headers })
  assert.ok('end' in taker)
  taker.end(body, (answer) => {
    assert.equal(answer.status, 200, String(answer.body))
    told(JSON.parse(String(answer.body)))
  })
}

test('whatever happens to disk, process and clock: stored stays, refused stays away', async () => {
  let storedCount = 0
  let refusedCount = 0
  for (let seed = 0; seed < SEED_COUNT; seed++) {
    const shard = new Shard(seed)
    for (let life = 0; life < LIFE_COUNT; life++) await shard.live()
    shard.world.stopFaults()
    const kinesis = await shard.open()
    assert.ok(kinesis !== null, `seed ${seed}: it starts on any disk`)

    shard.put(kinesis)
    await shard.world.runFor(60_000)
    const found = await shard.read(kinesis)

    const { stored, refused } = shard.told
    for (const [text, number] of stored) {
      assert.equal(found.get(text), number, `seed ${seed}: record ${text} was stored`)
    }
    for (const text of refused) {
      assert.ok(!found.has(text), `seed ${seed}: record ${text} was refused`)
    }
    storedCount += stored.size
    refusedCount += refused.size
  }
  // The worlds are worth something only while both things happen in them.
  assert.ok(storedCount > 500 && refusedCount > 100, `${storedCount} and ${refusedCount}`)
})
