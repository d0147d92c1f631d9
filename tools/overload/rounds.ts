// Steps that are run more than once, in turns: a machine that is slower for some minutes then slows
// all of them, and not the one whose turn it was.

import type { MeasuredStep } from './overload.ts'

/** Each round has all of them, every other one from the last to the first. */
export function turnsOf<T>(steps: readonly T[], roundCount: number): readonly T[] {
  const rounds = Array.from({ length: roundCount }, (_, index) => {
    return index % 2 === 0 ? steps : steps.toReversed()
  })
  return rounds.flat()
}

/** One step of several rounds: means of what comes in a second, the worst of everything else. */
export function mergedOf(rounds: readonly MeasuredStep[]): MeasuredStep {
  const [first] = rounds
  const mean = (of: (step: MeasuredStep) => number) => {
    return rounds.reduce((sum, step) => sum + of(step), 0) / rounds.length
  }
  const worst = (of: (step: MeasuredStep) => number) => Math.max(...rounds.map(of))
  const quantiles = (of: (step: MeasuredStep) => MeasuredStep['goodMs']) => ({
    p50: worst((step) => of(step).p50),
    p99: worst((step) => of(step).p99),
    max: worst((step) => of(step).max),
  })
  const refused: Record<string, number> = {}
  for (const step of rounds) {
    for (const [code, count] of Object.entries(step.refused)) {
      refused[code] = (refused[code] ?? 0) + count
    }
  }
  const backs = rounds.map(({ backAfterSeconds }) => backAfterSeconds)
  return {
    ...first!,
    offeredPerSecond: mean((step) => step.offeredPerSecond),
    goodPerSecond: mean((step) => step.goodPerSecond),
    goodSpread: [
      Math.min(...rounds.map(({ goodSpread }) => goodSpread[0])),
      worst(({ goodSpread }) => goodSpread[1]),
    ],
    deliveredPerSecond: mean((step) => step.deliveredPerSecond),
    refusedPerSecond: mean((step) => step.refusedPerSecond),
    refused,
    broken: rounds.reduce((sum, { broken }) => sum + broken, 0),
    goodMs: quantiles(({ goodMs }) => goodMs),
    refusedMs: quantiles(({ refusedMs }) => refusedMs),
    residentMaxBytes: worst((step) => step.residentMaxBytes),
    cpuMicros: {
      user: mean(({ cpuMicros }) => cpuMicros.user),
      system: mean(({ cpuMicros }) => cpuMicros.system),
    },
    cores: mean(({ cores }) => cores),
    backAfterSeconds: backs.includes(null) ? null : worst((step) => step.backAfterSeconds!),
    generatorLimits: rounds.flatMap(({ generatorLimits }) => generatorLimits),
  }
}
