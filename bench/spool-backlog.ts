// Ten million records that nobody takes, beside ten thousand and a million: what one costs to
// append and to recover, and what memory the process has then. Memory also grows with what has
// come and gone, so as many records that are each settled soon are the baseline of that.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child, SERVER_CORE } from './child.ts'
import { type BenchOptions, type BenchResult, type Contender, interleave } from './harness.ts'
import type { AppendPlan, Step, StepDone } from './parts/spool-process.ts'

const MANY = 10_000_000
const SOME = 1_000_000
const FEW = 10_000
/** Of the few so often in one process, so that what is measured takes a while. */
const FEW_TIMES = 20
const MODULE = new URL('./parts/spool-process.ts', import.meta.url)

/** Of a process that has appended. */
const APPENDING = [
  { unit: 'append, CPU µs/record', betterIs: 'lower' },
  { unit: 'resident then, MiB', betterIs: 'lower' },
  { unit: 'resident at most, MiB', betterIs: 'lower' },
  { unit: 'of it the heap, MiB', betterIs: 'lower' },
  { unit: 'in use when collected, MiB', betterIs: 'lower' },
] as const

/** Of another one, which has found what was appended. */
const RECOVERING = [
  { unit: 'recovery, CPU µs/record', betterIs: 'lower' },
  { unit: 'resident after it, MiB', betterIs: 'lower' },
  { unit: 'resident at most in it, MiB', betterIs: 'lower' },
  { unit: 'in use after it when collected, MiB', betterIs: 'lower' },
] as const

type Kind = Pick<AppendPlan, 'records' | 'isSettled'>

export async function run(options: BenchOptions): Promise<BenchResult> {
  const unsettled = (records: number, times = 1) => contender({ records, isSettled: false }, times)
  const many = unsettled(MANY)
  const cases = [
    {
      label: `${MANY} unsettled`,
      metrics: [...APPENDING, ...RECOVERING],
      candidate: many,
      baselines: [unsettled(FEW, FEW_TIMES), unsettled(SOME)],
    },
    {
      label: 'beside as many that settle',
      metrics: APPENDING,
      candidate: many,
      baselines: [contender({ records: MANY, isSettled: true }, 1)],
    },
  ]
  return interleave('spool-backlog', cases, options)
}

function contender({ records, isSettled }: Kind, times: number): Contender {
  const plan: AppendPlan = { records, isSettled, recordsPerTransaction: 100, dataBytes: 100 }
  const what = `${records} ${isSettled ? 'settled' : 'unsettled'}`
  return {
    name: times === 1 ? what : `${times} x ${what}`,
    round: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'headgate-backlog-'))
      const inputs: Step[] = Array.from({ length: times }, (_, i) => ({
        directory: join(directory, String(i)),
        plan,
        isLast: i === times - 1,
      }))
      const held = isSettled ? 0 : records
      try {
        const appended = await inProcess('append', inputs, held)
        const recovered = await inProcess('reopen', inputs, held)
        return [...valuesOf(appended, records), ...recoveryOf(recovered, records)]
      } finally {
        await rm(directory, { recursive: true, force: true })
      }
    },
  }
}

/** One process that does it for each; each step of it is to end with that many unsettled. */
async function inProcess(
  name: 'append' | 'reopen',
  inputs: readonly Step[],
  held: number,
): Promise<StepDone[]> {
  const child = new Child(MODULE, SERVER_CORE, process.execPath, ['--expose-gc'])
  const steps: StepDone[] = []
  try {
    for (const input of inputs) {
      const step = await child.call<StepDone>(name, input)
      if (step.heldRecords !== held) throw new Error(`${step.heldRecords} records are unsettled`)
      steps.push(step)
    }
  } finally {
    child.stop()
  }
  return steps
}

function valuesOf(steps: readonly StepDone[], records: number): number[] {
  const { residentBytes, mostResidentBytes, heapBytes, inUseBytes } = steps.at(-1)!
  const cpuMicros = steps.reduce((sum, step) => sum + step.cpuMicros, 0) / steps.length
  const bytes = [residentBytes, mostResidentBytes, heapBytes, inUseBytes]
  return [cpuMicros / records, ...bytes.map((one) => one / 2 ** 20)]
}

function recoveryOf(steps: readonly StepDone[], records: number): number[] {
  const [cpuMicros, resident, mostResident, _, inUse] = valuesOf(steps, records)
  return [cpuMicros!, resident!, mostResident!, inUse!]
}
