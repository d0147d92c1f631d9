// One seed, lived through twice: what came of it, or what is wrong, with all that is needed to talk
// about it.

import type { LineHooks } from './line-hooks.ts'
import type { LineSettings } from './line-settings.ts'
import { type LineReport, LineWorld } from './line-world.ts'

export type LineOutcome =
  | { readonly kind: 'came to rest'; readonly report: LineReport }
  | {
      readonly kind: 'broken'
      readonly error: Error
      readonly settings: LineSettings
      /** Oldest first. */
      readonly lastEvents: readonly string[]
    }
  | { readonly kind: 'not the same twice'; readonly difference: Difference }

/** Where the events of two runs of one seed part. */
export interface Difference {
  readonly digests: readonly [string, string]
  /** How many events both runs share; null when two more runs were the same after all. */
  readonly sharedCount: number | null
  /** What came next in each; null for a run that had ended. */
  readonly next: readonly [string | null, string | null]
}

export interface LineRunOptions {
  readonly hooks?: Partial<LineHooks>
  /** Hands out the world of the run that is under way, so that it can be stopped. */
  readonly onWorld?: (world: LineWorld) => void
}

/** Runs the world of a seed twice; the second run must do what the first one did. */
export async function runSeed(seed: number, options: LineRunOptions = {}): Promise<LineOutcome> {
  const first = await runOnce(seed, options)
  if (first.kind !== 'came to rest') return first
  const second = await runOnce(seed, options)
  const digests = [digestOf(first), digestOf(second)] as const
  if (digests[0] === digests[1]) return first
  return { kind: 'not the same twice', difference: await differenceOf(seed, digests, options) }
}

/** Runs the world of a seed once. */
export async function runOnce(
  seed: number,
  { hooks, onWorld }: LineRunOptions = {},
): Promise<LineOutcome> {
  const line = new LineWorld(seed, hooks)
  onWorld?.(line)
  try {
    return { kind: 'came to rest', report: await line.run() }
  } catch (error) {
    const lastEvents = line.world.trace.lastEvents()
    return { kind: 'broken', error: error as Error, settings: line.settings, lastEvents }
  }
}

function digestOf(outcome: LineOutcome): string {
  return outcome.kind === 'came to rest' ? outcome.report.digest : outcome.kind
}

async function differenceOf(
  seed: number,
  digests: readonly [string, string],
  { hooks }: LineRunOptions,
): Promise<Difference> {
  const [first, second] = [await eventsOf(seed, hooks), await eventsOf(seed, hooks)]
  const at = first.findIndex((line, index) => line !== second[index])
  if (at === -1 && first.length === second.length) {
    return { digests, sharedCount: null, next: [null, null] }
  }
  const sharedCount = at === -1 ? first.length : at
  return { digests, sharedCount, next: [first[sharedCount] ?? null, second[sharedCount] ?? null] }
}

async function eventsOf(seed: number, hooks?: Partial<LineHooks>): Promise<string[]> {
  const line = new LineWorld(seed, hooks)
  const events: string[] = []
  line.world.trace.listen((text) => events.push(text()))
  // Whatever breaks has been or will be reported; here only the events count.
  await line.run().catch(() => null)
  return events
}
