// What durability costs beside its floor: the same bytes, one writev and one fdatasync a group.

import { Child, SERVER_CORE } from './child.ts'
import { type BenchOptions, type BenchResult, type Contender, interleave } from './harness.ts'
import type { ReplayDone, ReplayPlan, WriteDone, WritePlan } from './parts/spool-process.ts'

const WRITERS = 50
const DATA_BYTES = 1600
const REPLAY: ReplayPlan = {
  records: 80_000,
  recordsPerTransaction: 1,
  dataBytes: DATA_BYTES,
  isDrained: true,
}

const WRITING = [
  { unit: 'durable records/s', betterIs: 'higher' },
  { unit: 'p99 ms', betterIs: 'lower' },
  { unit: 'write and sync p99 ms', betterIs: 'lower' },
  { unit: 'CPU µs/record', betterIs: 'lower' },
] as const

const REPLAYING = [{ unit: 'recovered and handed on, MB/s', betterIs: 'higher' }] as const

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = new URL('./parts/spool-process.ts', import.meta.url)
  const children = Array.from({ length: 4 }, () => new Child(module, SERVER_CORE))
  const writing = (name: string, child: Child, way: WritePlan['way']): Contender => ({
    name,
    round: async () => {
      const plan: WritePlan = {
        way,
        writers: WRITERS,
        seconds: options.seconds,
        dataBytes: DATA_BYTES,
      }
      const done = await child.call<WriteDone>('write', plan)
      return [done.recordsPerSecond, done.p99Ms, done.syncP99Ms, done.cpuMicrosPerRecord]
    },
  })
  const replay: Contender = {
    name: 'spool',
    round: async () => {
      const done = await children[2]!.call<ReplayDone>('replay', REPLAY)
      return [done.diskBytes / 1e6 / (done.recoverMs / 1000)]
    },
  }
  const reading: Contender = {
    name: 'reading the files',
    round: async () => [await children[3]!.call<number>('readBack', REPLAY)],
  }
  try {
    const cases = [
      {
        label: `${WRITERS} writers, ${DATA_BYTES} B`,
        metrics: WRITING,
        candidate: writing('spool', children[0]!, 'spool'),
        baselines: [writing('writev + fdatasync', children[1]!, 'bare')],
      },
      {
        label: 'replay after a crash',
        metrics: REPLAYING,
        candidate: replay,
        baselines: [reading],
      },
    ]
    return await interleave('spool', cases, options)
  } finally {
    for (const child of children) child.stop()
  }
}
