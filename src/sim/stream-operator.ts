// Who reshards streams while records go in, and deletes them to make them anew: another program,
// that has the same network to Kinesis as all others and no patience with it.

import { until } from '../host/index.ts'
import { SLOW_MAX_MS } from './faults.ts'
import { KinesisCaller } from './kinesis-caller.ts'
import type { StreamSettings } from './line-settings.ts'
import type { SimProcess } from './machine.ts'
import type { SimRandom } from './sim-random.ts'
import type { World } from './world.ts'

export type ReshardKind = 'split' | 'merge' | 'scale'

/** A stream that was deleted is made anew not sooner: shards are told apart by seconds. */
const ANEW_AFTER_MS = 1_100
/** Between two tries to do what has to be done. */
const TRY_AGAIN_MS = 300

interface ListedShard {
  readonly ShardId: string
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
}

export class StreamOperator {
  readonly #world: World
  readonly #process: SimProcess
  readonly #random: SimRandom
  readonly #kinesis: KinesisCaller
  #busyCount = 0

  constructor(world: World, process: SimProcess, origin: string) {
    this.#world = world
    this.#process = process
    this.#random = process.random.fork('operator')
    this.#kinesis = new KinesisCaller(process, origin)
  }

  /** What was begun is not finished yet. */
  get isBusy(): boolean {
    return this.#busyCount > 0
  }

  /** Tries once; a stream that is not there or busy stays as it is. */
  reshard(stream: string, kind: ReshardKind): void {
    this.#begin(async () => {
      const open = await this.#openShards(stream)
      if (open.length === 0) return
      const [action, more] = this.#draw(kind, open)
      const { status } = await this.#kinesis.call(action, { StreamName: stream, ...more })
      this.#world.note(`operator: ${action} ${status === 200 ? 'done' : 'not done'}`)
    })
  }

  /** Does not rest before there is a stream of that name again. */
  makeAnew({ name: stream, shardCount, maxRecordSizeKiB }: StreamSettings): void {
    this.#begin(async () => {
      const { status } = await this.#kinesis.call('DeleteStream', { StreamName: stream })
      this.#world.note(`operator: DeleteStream ${status === 200 ? 'done' : 'not done'}`)
      await this.#pause(ANEW_AFTER_MS)
      const input = {
        StreamName: stream,
        ShardCount: shardCount,
        MaxRecordSizeInKiB: maxRecordSizeKiB,
      }
      await this.#create(input)
      // The network may have delivered the deletion twice, and the second one only now.
      await this.#pause(SLOW_MAX_MS)
      await this.#create(input)
    })
  }

  async #create(input: object): Promise<void> {
    for (;;) {
      const { status, fields } = await this.#kinesis.call('CreateStream', input)
      // That it exists is good enough: another start of Kinesis makes it, too.
      if (status === 200 || fields['__type'] === 'ResourceInUseException') return
      await this.#pause(TRY_AGAIN_MS)
    }
  }

  #begin(task: () => Promise<void>): void {
    this.#busyCount++
    task().then(
      () => this.#busyCount--,
      (error: Error) => this.#world.fail(error),
    )
  }

  #pause(ms: number): Promise<void> {
    const { clock } = this.#process
    return until(clock, clock.monotonicMs() + ms)
  }

  async #openShards(stream: string): Promise<ListedShard[]> {
    const input = { StreamName: stream, ShardFilter: { Type: 'AT_LATEST' } }
    const { fields } = await this.#kinesis.call('ListShards', input)
    const shards = (fields['Shards'] ?? []) as ListedShard[]
    return shards.sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1))
  }

  #draw(kind: ReshardKind, open: readonly ListedShard[]): [string, object] {
    const count = open.length
    if (kind === 'merge' && count > 1) {
      const left = this.#random.below(count - 1)
      const ShardToMerge = open[left]!.ShardId
      return ['MergeShards', { ShardToMerge, AdjacentShardToMerge: open[left + 1]!.ShardId }]
    }
    if (kind === 'scale') {
      const targets = [Math.max(1, Math.ceil(count / 2)), count + 1, count * 2]
      const TargetShardCount = this.#random.pick(targets)
      return ['UpdateShardCount', { TargetShardCount, ScalingType: 'UNIFORM_SCALING' }]
    }
    const shard = this.#random.pick(open)
    const width = BigInt(shard.HashKeyRange.EndingHashKey) - startOf(shard)
    // In the middle, or nearly all for one child.
    const at = startOf(shard) + (width * BigInt(this.#random.pick([500, 500, 1, 999]))) / 1000n
    return ['SplitShard', { ShardToSplit: shard.ShardId, NewStartingHashKey: `${at}` }]
  }
}

function startOf({ HashKeyRange }: ListedShard): bigint {
  return BigInt(HashKeyRange.StartingHashKey)
}
