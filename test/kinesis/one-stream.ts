// A bench with one stream of one shard, what goes into it, and its files.

import { Bench, type BenchOptions, base64, textsOf } from './bench-top.ts'
import type { MemoryDisk } from './memory-disk.ts'

export async function benchWithStream(options: BenchOptions = {}): Promise<Bench> {
  const bench = await Bench.open({ ...options, config: { limits: false, ...options.config } })
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  return bench
}

export function put(bench: Bench, ...texts: string[]) {
  const Records = texts.map((text) => ({ PartitionKey: 'k', Data: base64(text) }))
  return bench.call('PutRecords', { StreamName: 's1', Records })
}

export async function texts(bench: Bench): Promise<string[]> {
  return textsOf(await bench.readAll('s1'))
}

export function segmentsOf(disk: MemoryDisk): string[] {
  return [...disk.files.keys()].filter((name) => name.endsWith('.log')).sort()
}

export function lastSegment(disk: MemoryDisk) {
  return disk.content(segmentsOf(disk).at(-1)!)
}
