// What it saves to write bytes before they are used: groups appended to a file, each synced, with
// reserved zeros and without, in turns. `node bench/reserve.ts`; on one core: `taskset -c 0 …`.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appendDurably } from '../src/host/index.ts'
import { NodeDisk } from '../src/host/node/index.ts'
import { median } from './harness.ts'

const RESERVE_BYTES = 512 * 1024
const ROUNDS = 9
const GROUPS_A_ROUND = 400
const GROUP_BYTES = [16, 40, 80, 160].map((kib) => kib * 1024)

interface Cost {
  readonly ms: number
  readonly cpuMicros: number
}

const directory = await mkdtemp(join(tmpdir(), 'headgate-reserve-'))
const disk = await NodeDisk.open(directory)

/** Of one group, on the average. */
async function measure(groupBytes: number, reserveBytes: number): Promise<Cost> {
  const file = await disk.open('log')
  const group = Buffer.alloc(groupBytes, 'x')
  const cpu = process.cpuUsage()
  const startAtMs = performance.now()
  for (let i = 0; i < GROUPS_A_ROUND; i++) await appendDurably(file, [group], { reserveBytes })
  const ms = (performance.now() - startAtMs) / GROUPS_A_ROUND
  const { user, system } = process.cpuUsage(cpu)
  await file.close()
  await disk.remove('log')
  return { ms, cpuMicros: (user + system) / GROUPS_A_ROUND }
}

function shown(
  name: string,
  without: Cost[],
  reserved: Cost[],
  of: (cost: Cost) => number,
): string {
  const ratios = reserved.map((cost, round) => of(cost) / of(without[round]!))
  const [value, other, ratio] = [reserved.map(of), without.map(of), ratios].map(median)
  const spread = [Math.min(...ratios), Math.max(...ratios)].map((one) => one.toFixed(2)).join('–')
  return `${name} ${value!.toFixed(3)} beside ${other!.toFixed(3)}, ratio ${ratio!.toFixed(2)} (${spread})`
}

for (const groupBytes of GROUP_BYTES) {
  await measure(groupBytes, 0)
  const without: Cost[] = []
  const reserved: Cost[] = []
  for (let round = 0; round < ROUNDS; round++) {
    without.push(await measure(groupBytes, 0))
    reserved.push(await measure(groupBytes, RESERVE_BYTES))
  }
  console.log(`groups of ${groupBytes / 1024} KiB, reserved beside not:`)
  console.log(`  ${shown('ms', without, reserved, ({ ms }) => ms)}`)
  console.log(`  ${shown('CPU µs', without, reserved, ({ cpuMicros }) => cpuMicros)}`)
}
await disk.close()
await rm(directory, { recursive: true })
