// What is printed about a seed whose world broke.

import { inspect } from 'node:util'
import type { Difference, LineOutcome, LineSettings } from '../../src/sim/index.ts'

/** Events shown when a world breaks; all of them with --trace. */
const LAST_SHOWN_COUNT = 40

export type Failure = Exclude<LineOutcome, { kind: 'came to rest' }>

export function failureText(seed: number, outcome: Failure): string {
  const repeat = `Repeat it: npm run sim -- --seed ${seed} --count 1`
  if (outcome.kind === 'not the same twice') {
    return `seed ${seed}: ${differenceText(outcome.difference)}\n\n${repeat}`
  }
  const { error, settings, lastEvents } = outcome
  return [
    `seed ${seed}: an invariant broke: ${error.message}`,
    '',
    settingsText(settings),
    '',
    `The last ${LAST_SHOWN_COUNT} events: instant in ms, what, details`,
    ...lastEvents.slice(-LAST_SHOWN_COUNT),
    '',
    error.stack ?? error.message,
    '',
    `All its events: npm run sim -- --seed ${seed} --trace`,
    repeat,
  ].join('\n')
}

export function settingsText(settings: LineSettings): string {
  return inspect(settings, { depth: 6, breakLength: 100, compact: 8, maxArrayLength: 50 })
}

function differenceText({ digests, sharedCount, next }: Difference): string {
  const head = `two runs differ (${digests.join(', ')}): something asks for time or chance by itself`
  if (sharedCount === null) return `${head}.\nTwo more runs did not differ.`
  const [first, second] = next.map((event) => event ?? 'had ended')
  return `${head}.\nThey share ${sharedCount} events; then\n  one run:     ${first}\n  the other:   ${second}`
}
