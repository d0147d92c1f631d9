// Worlds of the spool alone: `npm run sim -- --room spool`.

import { inspect } from 'node:util'
import { type SpoolReport, SpoolWorld } from '../../src/sim/index.ts'

/** Of so many worlds one is lived through twice. */
const TWICE_EACH = 100
const LAST_SHOWN_COUNT = 40
const NAME_COLUMNS = 64
const NUMBER_COLUMNS = 12

export interface SpoolRoomHooks {
  readonly progress: (text: string) => void
  readonly isStopped: () => boolean
  readonly onWorld: (world: SpoolWorld) => void
}

interface Plan {
  readonly seed: number
  readonly count: number
  readonly isTrace: boolean
  readonly isJson: boolean
}

export async function runSpoolSeeds(plan: Plan, hooks: SpoolRoomHooks): Promise<number> {
  const sums = new Map<string, number>()
  const startedAtMs = performance.now()
  let done = 0
  for (; done < plan.count && !hooks.isStopped(); done++) {
    const seed = plan.seed + done
    if (done % 20 === 0) hooks.progress(`seed ${seed}, ${done} of ${plan.count} done`)
    const world = new SpoolWorld(seed)
    hooks.onWorld(world)
    if (plan.isTrace) world.world.trace.listen((text) => console.log(text()))
    try {
      const report = await world.run()
      add(sums, report)
      if (done % TWICE_EACH === 0) await checkTwice(seed, report)
    } catch (error) {
      if (hooks.isStopped()) break
      hooks.progress('')
      console.log(brokenText(seed, world, error as Error))
      return 1
    }
  }
  hooks.progress('')
  const seconds = (performance.now() - startedAtMs) / 1000
  console.log(plan.isJson ? jsonOf(sums, plan.seed, done) : textOf(sums, plan.seed, done, seconds))
  return hooks.isStopped() ? 130 : 0
}

async function checkTwice(seed: number, { digest }: SpoolReport): Promise<void> {
  const again = await new SpoolWorld(seed).run()
  if (again.digest === digest) return
  throw new Error(`two runs differ (${digest}, ${again.digest}): it asks for time or chance itself`)
}

function add(sums: Map<string, number>, { digest: _, counts, ...report }: SpoolReport): void {
  const more = (name: string, count: number) => sums.set(name, (sums.get(name) ?? 0) + count)
  for (const [name, count] of Object.entries(report)) more(name, count)
  for (const [name, count] of counts) if (name.startsWith('spool ')) more(name, count)
}

function brokenText(seed: number, { settings, world }: SpoolWorld, error: Error): string {
  return [
    `seed ${seed}: an invariant broke: ${error.message}`,
    '',
    inspect(settings, { depth: 6, breakLength: 100, compact: 8 }),
    '',
    ...world.trace.lastEvents().slice(-LAST_SHOWN_COUNT),
    '',
    error.stack ?? error.message,
    '',
    `All its events: npm run sim -- --room spool --seed ${seed} --trace`,
    `Repeat it: npm run sim -- --room spool --seed ${seed} --count 1`,
  ].join('\n')
}

function textOf(
  sums: ReadonlyMap<string, number>,
  seed: number,
  count: number,
  seconds: number,
): string {
  const rows = [...sums].map(
    ([name, sum]) => name.padEnd(NAME_COLUMNS) + String(sum).padStart(NUMBER_COLUMNS),
  )
  const head = `${count} worlds of the spool from seed ${seed} came to rest`
  return [`${head}, ${Math.round(count / seconds)} a second`, '', ...rows].join('\n')
}

function jsonOf(sums: ReadonlyMap<string, number>, firstSeed: number, worlds: number): string {
  return JSON.stringify({ room: 'spool', firstSeed, worlds, ...Object.fromEntries(sums) })
}
