// What has to hold under overload, and whether it did.

import type { ScenarioReport } from './overload.ts'

export interface Mark {
  readonly says: string
  readonly isMet: boolean
  readonly measured: string
}

const GOODPUT_MIN = 0.9
const REFUSAL_EXTRA_MAX_MS = 5
const MEMORY_SLACK = 1.25
const BACK_MAX_SECONDS = 5

export function marksOf(report: ScenarioReport): readonly Mark[] {
  const { steps, idleMs, idleResidentBytes, memoryMaxBytes } = report
  const overloads = steps.filter(({ multiple }) => multiple > 1)
  const least = Math.min(...overloads.map(({ goodputPart }) => goodputPart))
  const extras = overloads
    .filter(({ refusedPerSecond }) => refusedPerSecond > 0)
    .map(({ refusedMs }) => refusedMs.p99 - idleMs.p99)
  const extraMs = extras.length === 0 ? 0 : Math.max(...extras)
  const allowedBytes = idleResidentBytes + memoryMaxBytes * MEMORY_SLACK
  const residentBytes = Math.max(...steps.map(({ residentMaxBytes }) => residentMaxBytes))
  const backs = steps.map(({ backAfterSeconds }) => backAfterSeconds ?? Number.POSITIVE_INFINITY)
  const back = Math.max(...backs)
  return [
    {
      says: 'goodput under overload at least 90 % of the peak',
      isMet: least >= GOODPUT_MIN,
      measured: `${Math.round(least * 100)} %`,
    },
    {
      says: "p99 of refusals less than 5 ms above an idle request's",
      isMet: extraMs < REFUSAL_EXTRA_MAX_MS,
      measured: extras.length === 0 ? 'nothing was refused' : `${extraMs.toFixed(1)} ms above`,
    },
    {
      says: 'resident memory within that of idleness and the configured bytes + 25 %',
      isMet: residentBytes <= allowedBytes,
      measured: `${mib(residentBytes)} of ${mib(allowedBytes)} MiB`,
    },
    {
      says: 'back to normal within 5 s',
      isMet: back <= BACK_MAX_SECONDS,
      measured: Number.isFinite(back) ? `${back} s` : 'not within 10 s',
    },
  ]
}

export function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0)
}
