// docs/overload.md and its graph, from what was measured.

import { cpus } from 'node:os'
import { marksOf, mib } from './marks.ts'
import {
  BODY_BYTES,
  type OverloadOptions,
  type ScenarioReport,
  type StepReport,
} from './overload.ts'

export const GRAPH_NAME = 'overload.svg'

const PREFACE = `# Overload

<!-- Written by "npm run overload -- --write". -->

More is offered than can be carried: what happens? \`npm run overload\` starts an embedded Kinesis
with one shard and a gateway in front of it, each a process of its own, and a load generator that
sends requests when they are due, whether answers have come or not. Latency counts from when a
request was due. The gateway answers \`durable\`; bodies have ${BODY_BYTES} bytes.

- **Without headroom**: the spool holds two seconds of what the shard takes. Then what can be
  carried is what Kinesis takes, and the rest is refused.
- **With headroom**: the spool has 40 GiB. Then what can be carried is what the gateway can bring to
  the disk, and Kinesis, slower, is caught up with later.

The gateway is told \`memory.maxBytes\` of 64 MiB, not the default 256, and its Node
\`NODE_OPTIONS=--max-semi-space-size=16\`. Of its own accord V8 takes up to 128 MiB for new objects
once many of them come, whatever the program holds; the option bounds that at 32 MiB and costs
nothing that shows ([benchmarks.md](benchmarks.md#semi-space)). It is what to set where memory is
short; \`--semi-space 0\` measures without. A bare server on \`node:http\` stands
beside for what connections cost in Node itself.

The capacity is looked for first, with rising rates; then 1, 2, 5 and 10 times as much is offered.
After each step a light load watches until every answer of a second is good and quick again.

*CPU µs an answer* is the gateway's own processor time, in the program and in the system; *of a
core* is how much of its one core it got. The generator and the embedded Kinesis share the other.
`

export function pageOf(
  reports: readonly ScenarioReport[],
  { seconds, roundCount }: Pick<OverloadOptions, 'seconds' | 'roundCount'>,
): string {
  const cpu = cpus()
  const machine = `Node ${process.version}, ${cpu.length} × ${cpu[0]?.model ?? 'unknown'}`
  const parts = reports.map(sectionOf)
  const rounds = roundCount === 1 ? '' : `, ${roundCount} rounds in turns`
  return `${PREFACE}
Measured on ${machine}; ${seconds} s for each step${rounds}.

![Good answers and refusals by what is offered](${GRAPH_NAME})

${parts.join('\n')}`
}

function sectionOf(report: ScenarioReport): string {
  const { scenario, capacityPerSecond, idleMs, steps, idleResidentBytes, bare } = report
  const head = ['Offered', 'per second', 'good/s', 'of the best', 'delivered/s', 'refused/s', 'why']
  const more = ['good p50 ms', 'good p99 ms', 'refused p99 ms', 'memory MiB']
  const columns = [...head, ...more, 'CPU µs an answer', 'of a core', 'back after s']
  const rows = [columns, columns.map(() => '---'), ...steps.map(rowOf)]
  const table = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const marks = marksOf(report).map(({ says, isMet, measured }) => {
    return `- ${isMet ? 'met' : '**not met**'}: ${says}: ${measured}`
  })
  const limits = steps.flatMap(({ multiple, generatorLimits }) => {
    return generatorLimits.map((limit) => `- Warning of the generator at × ${multiple}: ${limit}.`)
  })
  const [bareBefore, bareWithin] = [bare.idleResidentBytes, bare.residentMaxBytes].map(mib)
  const title = `${scenario.name[0]!.toUpperCase()}${scenario.name.slice(1)}`
  return `## ${title}

Capacity ${capacityPerSecond}/s. Idle: p50 ${ms(idleMs.p50)} ms, p99 ${ms(idleMs.p99)} ms.

${table}

${[...marks, ...limits].join('\n')}

Resident memory before the steps: ${mib(idleResidentBytes)} MiB. A bare server under the load of the
last step: ${bareBefore} MiB before, at most ${bareWithin} MiB within.
`
}

function rowOf(step: StepReport): string[] {
  const { goodMs, refusedMs, refused, broken, cpuMicros, backAfterSeconds } = step
  const reasons = Object.entries({ ...refused, ...(broken > 0 ? { broken } : {}) })
  const why = reasons.map(([code, count]) => `${code} ${count}`).join(', ') || '–'
  return [
    `× ${step.multiple}`,
    step.offeredPerSecond.toFixed(0),
    spreadText(step),
    `${Math.round(step.goodputPart * 100)} %`,
    step.deliveredPerSecond.toFixed(0),
    step.refusedPerSecond.toFixed(0),
    why,
    ms(goodMs.p50),
    ms(goodMs.p99),
    step.refusedPerSecond > 0 ? ms(refusedMs.p99) : '–',
    mib(step.residentMaxBytes),
    `${cpuMicros.user.toFixed(1)} + ${cpuMicros.system.toFixed(1)}`,
    `${Math.round(step.cores * 100)} %`,
    backAfterSeconds === null ? '> 10' : String(backAfterSeconds),
  ]
}

function spreadText({ goodPerSecond, goodSpread: [least, most] }: StepReport): string {
  const spread = least === most ? '' : ` (${least.toFixed(0)}–${most.toFixed(0)})`
  return `${goodPerSecond.toFixed(0)}${spread}`
}

function ms(value: number): string {
  return value.toFixed(1)
}

const WIDTH = 760
const PANEL_HEIGHT = 220
const LEFT = 70
const TOP = 44
const BAR_WIDTH = 56

/** A panel for each scenario: a column for each step, good answers below, refusals above. */
export function graphOf(reports: readonly ScenarioReport[]): string {
  const height = reports.length * (PANEL_HEIGHT + 70) + 20
  const panels = reports.map((report, index) => panelOf(report, index * (PANEL_HEIGHT + 70)))
  const box = `viewBox="0 0 ${WIDTH} ${height}"`
  const font = 'font-family="system-ui, sans-serif" font-size="13"'
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box} ${font}>
<title>Good answers and refusals by what is offered</title>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${panels.join('\n')}
</svg>
`
}

function panelOf({ scenario, capacityPerSecond, steps }: ScenarioReport, y: number): string {
  const most = Math.max(...steps.map((step) => step.offeredPerSecond), capacityPerSecond, 1)
  const base = y + TOP + PANEL_HEIGHT
  const heightOf = (perSecond: number) => (perSecond / most) * PANEL_HEIGHT
  const gap = (WIDTH - LEFT - 20) / steps.length
  const columns = steps.map((step, index) => {
    const x = LEFT + index * gap + (gap - BAR_WIDTH) / 2
    const good = heightOf(step.goodPerSecond)
    const refused = heightOf(step.refusedPerSecond)
    const counts = [step.goodPerSecond, step.refusedPerSecond].map((count) => count.toFixed(0))
    const middle = `x="${x + BAR_WIDTH / 2}" text-anchor="middle" fill="#333"`
    const bar = (y: number, height: number, colour: string) => {
      return `<rect x="${x}" y="${y}" width="${BAR_WIDTH}" height="${height}" fill="${colour}"/>`
    }
    const top = base - good - refused
    const bars = `${bar(base - good, good, '#1b7f5c')}
${bar(top, refused, '#e3b04b')}`
    // Over the line of the capacity, with a rim that keeps it off the letters.
    const rim = 'stroke="#ffffff" stroke-width="5" paint-order="stroke"'
    const texts = `<text ${middle} ${rim} y="${top - 6}">${counts[0]} good, ${counts[1]} refused</text>
<text ${middle} y="${base + 18}">× ${step.multiple}</text>`
    return { bars, texts }
  })
  const line = base - heightOf(capacityPerSecond)
  const title = `${scenario.name}: answers per second, green good, yellow refused`
  return `<text x="${LEFT}" y="${y + 20}" font-weight="600" fill="#111">${title}</text>
${columns.map(({ bars }) => bars).join('\n')}
<line x1="${LEFT}" y1="${base}" x2="${WIDTH - 20}" y2="${base}" stroke="#333"/>
<path d="M${LEFT} ${line}H${WIDTH - 20}" stroke="#b3402a" stroke-dasharray="5 4"/>
${columns.map(({ texts }) => texts).join('\n')}
<text x="${LEFT - 6}" y="${line + 4}" text-anchor="end" fill="#b3402a">${capacityPerSecond}/s</text>`
}
