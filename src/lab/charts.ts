// The pictures, drawn by ECharts on the server as SVG. Colours are names here: a page gives them
// values for light and dark, a file gets those for light.

import type { EChartsCoreOption } from 'echarts/core'
import { spaced } from './compare.ts'
import type { Run } from './run.ts'
import { type Interval, intervalSecondsOf, intervalsOf } from './series.ts'

export interface Chart {
  /** Part of file names and ids. */
  readonly id: string
  readonly title: string
  /** What can be seen, for those who do not see it. */
  readonly says: string
  readonly svg: string
}

const WIDTH = 960
const HEIGHT = 380

/** The first six of a palette that stays apart for the colour-blind (Okabe and Ito, 2008). */
export const COLOURS = ['blue', 'orange', 'green', 'purple', 'red', 'grey'] as const
type Colour = (typeof COLOURS)[number]

/** Values of the names on white. */
export const LIGHT: Readonly<Record<string, string>> = {
  '--blue': '#0072b2',
  '--orange': '#b84c00',
  '--green': '#00855f',
  '--purple': '#a23b82',
  '--red': '#b3261e',
  '--grey': '#5f6b76',
  '--ink': '#1b2127',
  '--faint': '#59646e',
  '--grid': '#d9dee3',
  '--paper': '#ffffff',
}

interface Line {
  readonly name: string
  readonly colour: Colour
  readonly values: readonly (number | null)[]
  readonly axis?: number
  readonly isArea?: boolean
  readonly stack?: string
  readonly isDashed?: boolean
}

interface Axis {
  readonly name: string
  readonly isLog?: boolean
  readonly max?: number
}

interface Picture {
  readonly id: string
  readonly title: string
  readonly says: string
  readonly xs: readonly number[]
  readonly axes: readonly Axis[]
  readonly lines: readonly Line[]
}

/** Loads the library, which only those who draw need. */
async function loadECharts() {
  const [core, { LineChart }, components, { SVGRenderer }] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ])
  const { GridComponent, LegendComponent, TitleComponent } = components
  core.use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])
  return core
}

/** Every picture of a run; the first is the response-time graph. */
export async function chartsOf(run: Run): Promise<Chart[]> {
  const intervals = intervalsOf(run)
  const pictures = [
    responseTime(run, intervals),
    throughput(intervals),
    outstanding(intervals),
    ledger(intervals),
    shardUse(intervals),
  ]
  return draw(pictures.filter((picture) => picture.lines.length > 0))
}

/** Several runs in one picture: their mean response times, and what they delivered. */
export async function overlayOf(runs: readonly Run[]): Promise<Chart[]> {
  const all = runs.map((run) => ({ run, intervals: intervalsOf(run) }))
  const longest = all.reduce((a, b) => (b.intervals.length > a.intervals.length ? b : a))
  // One scale for all: a run of other intervals is put at the nearest of the longest one's.
  const lengthS = intervalSecondsOf(longest.run)
  const lineOf = (pick: (interval: Interval) => number | null) =>
    all.map(({ run, intervals }, index) => ({
      name: run.title,
      colour: COLOURS[index % COLOURS.length]!,
      isDashed: index >= COLOURS.length,
      values: longest.intervals.map((_, i) => {
        const at = Math.floor((i * lengthS) / intervalSecondsOf(run))
        const interval = intervals[at]
        return interval === undefined ? null : pick(interval)
      }),
    }))
  const xs = longest.intervals.map(({ atS }) => atS)
  const names = runs.map(({ title }) => title).join(', ')
  return draw([
    {
      id: 'response-times',
      title: 'Mean response time of each run',
      says: `Mean response time over time of ${names}.`,
      xs,
      axes: [{ name: 'ms', isLog: true }],
      lines: lineOf(({ meanMs }) => meanMs),
    },
    {
      id: 'delivered',
      title: 'Delivered records per second of each run',
      says: `Delivered records per second over time of ${names}.`,
      xs,
      axes: [{ name: 'records/s' }],
      lines: lineOf(({ delivered }) => delivered),
    },
  ])
}

function responseTime(run: Run, all: readonly Interval[]): Picture {
  const isClosed = run.experiment.load.loop === 'closed'
  // What comes after the last answer is in the other pictures.
  const intervals = all.filter(({ atS }) => atS * 1000 <= run.loadEndMs + 1000)
  const active = isClosed ? 'active threads' : 'requests under way'
  const lengthS = intervalSecondsOf(run)
  return {
    id: 'response-time',
    title: `Response time, ${run.title}`,
    says: `Mean, median and 99th percentile of the response time in intervals of ${lengthS} s, and ${active}.`,
    xs: intervals.map(({ atS }) => atS),
    axes: [{ name: 'response time, ms', isLog: true }, { name: active }],
    lines: [
      { name: active, colour: 'grey', values: pick(intervals, 'active'), axis: 1, isArea: true },
      { name: 'p99', colour: 'orange', values: pick(intervals, 'p99Ms') },
      { name: 'mean', colour: 'blue', values: pick(intervals, 'meanMs') },
      { name: 'p50', colour: 'green', values: pick(intervals, 'p50Ms') },
    ],
  }
}

function throughput(intervals: readonly Interval[]): Picture {
  return {
    id: 'throughput',
    title: 'Requests and records per second',
    says: 'Requests begun, requests answered and records delivered per second.',
    xs: intervals.map(({ atS }) => atS),
    axes: [{ name: 'per second' }],
    lines: [
      { name: 'offered', colour: 'grey', values: pick(intervals, 'offered'), isDashed: true },
      { name: 'answered', colour: 'blue', values: pick(intervals, 'answered') },
      { name: 'delivered', colour: 'green', values: pick(intervals, 'delivered') },
    ],
  }
}

function outstanding(intervals: readonly Interval[]): Picture {
  return {
    id: 'outstanding',
    title: 'Records on their way',
    says: 'Records that were taken and have not settled, and the age of the oldest in seconds.',
    xs: intervals.map(({ atS }) => atS),
    axes: [{ name: 'records' }, { name: 'seconds' }],
    lines: [
      { name: 'outstanding', colour: 'blue', values: pick(intervals, 'outstanding'), isArea: true },
      {
        name: 'age of the oldest',
        colour: 'orange',
        values: pick(intervals, 'oldestAgeS'),
        axis: 1,
      },
    ],
  }
}

function ledger(intervals: readonly Interval[]): Picture {
  const total = (name: 'delivered' | 'failed' | 'exhausted') =>
    intervals.map(({ totals }) => totals[name])
  const area = { isArea: true, stack: 'ledger' } as const
  return {
    id: 'ledger',
    title: 'Where the records are: the ledger',
    says: 'Records delivered, failed, turned away and outstanding, on top of each other.',
    xs: intervals.map(({ atS }) => atS),
    axes: [{ name: 'records' }],
    lines: [
      { name: 'delivered', colour: 'green', values: total('delivered'), ...area },
      { name: 'failed', colour: 'red', values: total('failed'), ...area },
      { name: 'exhausted', colour: 'purple', values: total('exhausted'), ...area },
      { name: 'outstanding', colour: 'blue', values: pick(intervals, 'outstanding'), ...area },
    ],
  }
}

/** Shards with a line of their own. */
const SHARDS_SHOWN_MAX_COUNT = 12

function shardUse(intervals: readonly Interval[]): Picture {
  const shards = [...new Set(intervals.flatMap((one) => [...one.shardUse.keys()]))].sort()
  return {
    id: 'shards',
    title: 'Use of each shard',
    says: 'Bytes that each shard took, of the 1 MiB/s that it takes at most.',
    xs: intervals.map(({ atS }) => atS),
    axes: [{ name: '% of 1 MiB/s' }],
    lines: shards.slice(0, SHARDS_SHOWN_MAX_COUNT).map((shard, index) => ({
      name: shard.replace(/^shardId-0*(?=\d)/, 'shard '),
      colour: COLOURS[index % COLOURS.length]!,
      isDashed: index >= COLOURS.length,
      values: intervals.map((one) => (one.shardUse.get(shard) ?? 0) * 100),
    })),
  }
}

function pick<K extends keyof Interval>(intervals: readonly Interval[], name: K): Interval[K][] {
  return intervals.map((interval) => interval[name])
}

async function draw(pictures: readonly Picture[]): Promise<Chart[]> {
  const echarts = await loadECharts()
  return pictures.map((picture) => {
    const size = { width: WIDTH, height: HEIGHT }
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size })
    chart.setOption(optionOf(picture))
    const svg = chart
      .renderToSVGString()
      // What a pointer over it would do, numbered through all charts of the process.
      .replaceAll(/ class="zr[0-9]+-cls-[0-9]+"/g, '')
      .replaceAll(/<style\b.*?<\/style>/gs, '')
      // Ids that are the same in every run, and that a page can tell apart.
      .replaceAll(/zr[0-9]+-/g, `${picture.id}-`)
    chart.dispose()
    const { id, title, says } = picture
    return { id, title, says, svg }
  })
}

function optionOf({ title, xs, axes, lines }: Picture): EChartsCoreOption {
  const text = { color: 'var(--faint)', fontFamily: 'DejaVu Sans, sans-serif' }
  return {
    animation: false,
    title: {
      text: title,
      left: 8,
      top: 6,
      textStyle: { ...text, color: 'var(--ink)', fontSize: 15, fontWeight: 'bold' },
    },
    legend: {
      data: lines.map(({ name }) => name),
      left: 8,
      top: 32,
      itemWidth: 22,
      itemGap: 26,
      icon: 'roundRect',
      itemHeight: 4,
      textStyle: { ...text, color: 'var(--ink)', fontSize: 12 },
    },
    grid: { left: 84, right: axes.length > 1 ? 64 : 24, top: 86, bottom: 44 },
    xAxis: {
      type: 'value',
      min: 0,
      max: xs.length === 0 ? 1 : Math.ceil(xs.at(-1)! + (xs[0] ?? 0)),
      name: 'seconds since the run began',
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: { ...text, fontSize: 12 },
      axisLabel: { ...text, fontSize: 12, showMaxLabel: false, formatter: inGroups },
      axisLine: { lineStyle: { color: 'var(--grid)' } },
      splitLine: { show: false },
    },
    yAxis: axes.map((axis, index) => yAxisOf(axis, index, text)),
    series: lines.map((line) => seriesOf(line, xs, axes)),
  }
}

function inGroups(value: number): string {
  return spaced(String(value))
}

function yAxisOf({ name, isLog }: Axis, index: number, text: object) {
  return {
    type: isLog ? 'log' : 'value',
    ...(isLog ? { min: 0.1 } : { min: 0 }),
    name,
    nameTextStyle: { ...text, fontSize: 12, align: index === 0 ? 'left' : 'right' },
    nameGap: 10,
    axisLabel: { ...text, fontSize: 12, formatter: inGroups },
    axisLine: { show: false },
    splitLine: { show: index === 0, lineStyle: { color: 'var(--grid)', width: 1 } },
  }
}

/** The lowest value that a logarithmic axis shows. */
const LOG_MIN = 0.1

function seriesOf(line: Line, xs: readonly number[], axes: readonly Axis[]) {
  const { name, colour, values, axis = 0, isArea, stack, isDashed } = line
  const color = `var(--${colour})`
  const isLog = axes[axis]!.isLog === true
  const data = values.map((value, i) => {
    const shown = value === null ? null : Number(value.toPrecision(6))
    return [xs[i], shown !== null && isLog ? Math.max(LOG_MIN, shown) : shown]
  })
  return {
    name,
    type: 'line',
    data,
    yAxisIndex: axis,
    showSymbol: false,
    ...(stack === undefined ? {} : { stack }),
    itemStyle: { color },
    lineStyle: { color, width: stack === undefined ? 1.8 : 1, type: isDashed ? 'dashed' : 'solid' },
    ...(isArea ? { areaStyle: { color, opacity: stack === undefined ? 0.14 : 0.75 } } : {}),
  }
}

/** A picture as a file of its own: the names of colours replaced, on paper. */
export function standaloneSvg({ svg, title, says }: Chart): string {
  const coloured = svg.replaceAll(/var\((--[a-z]+)\)/g, (_, name: string) => LIGHT[name] ?? '#000')
  const start = coloured.indexOf('>') + 1
  return (
    `${coloured.slice(0, start)}<title>${escapeXml(title)}</title><desc>${escapeXml(says)}</desc>` +
    `<rect width="100%" height="100%" fill="${LIGHT['--paper']}"/>${coloured.slice(start)}`
  )
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
