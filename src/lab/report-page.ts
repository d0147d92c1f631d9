// `report.html`: one file with everything in it, for a screen, a phone, a printer, a reader of
// pages.

import { AGGREGATE_HEADINGS, aggregateOf, cellsOf } from './aggregate.ts'
import { type Chart, chartsOf, escapeXml, overlayOf } from './charts.ts'
import { compareTable, spaced } from './compare.ts'
import type { Run } from './run.ts'
import { intervalsOf } from './series.ts'

const STYLE = `
:root { color-scheme: light dark; --ink: #1b2127; --faint: #59646e; --grid: #d9dee3; --paper: #fff;
  --panel: #f5f7f9; --blue: #0072b2; --orange: #b84c00; --green: #00855f; --purple: #a23b82;
  --red: #b3261e; --grey: #5f6b76; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --faint: #a7b1ba; --grid: #38424b;
  --paper: #14181c; --panel: #1d2329; --blue: #56b4e9; --orange: #f0904d; --green: #3fc79a;
  --purple: #d987bd; --red: #f2867f; --grey: #9aa6b1; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1, h2, figcaption { overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }
caption { text-align: left; padding: .3rem .7rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; }
.faint { color: var(--faint); }
.wide { overflow-x: auto; border: 1px solid var(--grid); border-radius: .4rem; margin: .75rem 0; }
.wide:focus-visible, summary:focus-visible, a:focus-visible { outline: 3px solid var(--blue);
  outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--grid); }
tr:last-child > * { border-bottom: 0; }
th:first-child, td:first-child { text-align: left; }
thead th { background: var(--panel); }
figure { margin: 1rem 0; }
figure svg { display: block; width: 100%; min-width: 40rem; height: auto; }
summary { cursor: pointer; padding: .3rem 0; }
pre { overflow-x: auto; background: var(--panel); padding: .7rem; border-radius: .4rem; }
nav ul { padding-left: 1.2rem; }
a { color: var(--blue); }
@media print { details:not([open]) { display: none; } }
`

/** How a report is drawn. */
export interface ReportOptions {
  readonly heading: string
  /** False where the packages that draw are not installed. */
  readonly hasPictures: boolean
}

/** A run of an experiment; further runs stand beside it in the first table. */
export async function reportPage(
  runs: readonly Run[],
  { heading, hasPictures }: ReportOptions,
): Promise<string> {
  const overlay = hasPictures && runs.length > 1 ? await overlayOf(runs) : []
  const sections: string[] = []
  for (const [index, run] of runs.entries()) {
    sections.push(await runSection(run, runs.length > 1 ? index : null, hasPictures))
  }
  const contents =
    runs.length > 1
      ? `<nav aria-label="Runs"><ul>${runs
          .map((run, i) => `<li><a href="#run-${i}">${escapeXml(run.title)}</a></li>`)
          .join('')}</ul></nav>`
      : ''
  const says = runs[0]?.experiment.says ?? ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(heading)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${escapeXml(heading)}</h1><p>${escapeXml(says)}</p>${contents}</header>
<main>
${summary(runs)}
${overlay.map((chart) => figureOf(chart, 'all-', [])).join('\n')}
${sections.join('\n')}
</main>
</body>
</html>
`
}

function summary(runs: readonly Run[]): string {
  const { experiment } = runs[0]!
  const { log } = experiment
  const [headings, ...rows] = compareTable(experiment, runs)
  const saw = log === null ? '' : `<p><strong>The log:</strong> ${escapeXml(log.saw)}</p>`
  const warnings = runs.flatMap((run) =>
    run.warnings.map((text) => `<p role="note"><strong>Mind:</strong> ${escapeXml(text)}</p>`),
  )
  return `<h2>Figures</h2>${saw}${warnings.join('')}
${table('Figures of the log and of the runs', headings!, rows)}`
}

async function runSection(run: Run, index: number | null, hasPictures: boolean) {
  const { counters, kind, seed, scale, endMs, experiment } = run
  const charts = hasPictures ? await chartsOf(run) : []
  const prefix = index === null ? '' : `run${index}-`
  const rowsOf = (chart: Chart) => (chart.id === 'response-time' ? timeRows(run) : [])
  const facts = [
    kind === 'simulated' ? 'simulated' : 'live',
    `seed ${seed}`,
    `scale ${scale}`,
    `${Math.round(endMs / 1000)} s ${kind === 'simulated' ? 'of virtual time' : ''}`.trim(),
    run.isCutShort ? 'cut short' : '',
  ].filter((fact) => fact !== '')
  const id = index === null ? 'run' : `run-${index}`
  return `<section aria-labelledby="${id}"><h2 id="${id}">${escapeXml(run.title)}</h2>
<p class="faint">${escapeXml(facts.join(' · '))}</p>
${table("JMeter's row", AGGREGATE_HEADINGS, [cellsOf(aggregateOf(run))])}
${charts.map((chart) => figureOf(chart, prefix, rowsOf(chart))).join('\n')}
${counters === null ? '' : countersSection(counters)}
<details><summary>The experiment as it ran</summary><pre tabindex="0">${escapeXml(
    JSON.stringify(experiment, null, 2),
  )}</pre></details>
</section>`
}

function countersSection(counters: NonNullable<Run['counters']>): string {
  const { roads, statuses, ...numbers } = counters
  const rows = Object.entries(numbers).map(([name, value]) => [name, spaced(String(value))])
  const answers = Object.entries(statuses).map(([status, count]) => [
    status === '0' ? 'no answer' : status,
    spaced(String(count)),
  ])
  const failed = roads.map(({ road, count }) => [road, spaced(String(count))])
  const isBalanced = counters.imbalance === 0
  return `<h3>Every record accounted for</h3>
<p>attempts = delivered + failed + turned away + outstanding: ${isBalanced ? 'it adds up' : 'IT DOES NOT ADD UP'}.</p>
${table('Counters', ['counter', 'records'], rows)}
${table('Answers', ['status', 'requests'], answers)}
${failed.length === 0 ? '' : table('By which road records failed', ['road', 'records'], failed)}`
}

/** Rows of the table behind a picture. */
const TABLE_ROWS_MAX_COUNT = 30

function timeRows(run: Run): string[][] {
  const intervals = intervalsOf(run)
  const step = Math.max(1, Math.ceil(intervals.length / TABLE_ROWS_MAX_COUNT))
  return intervals
    .filter((_, i) => i % step === 0)
    .map(({ atS, meanMs, p50Ms, p99Ms, active }) => [
      `${Math.round(atS)} s`,
      ...[meanMs, p50Ms, p99Ms].map((ms) => ms?.toFixed(1) ?? '–'),
      String(active),
    ])
}

function figureOf(chart: Chart, prefix: string, rows: readonly string[][]): string {
  const { id, title, says, svg } = chart
  const own = prefix + id
  const drawn = svg
    .replaceAll(`${id}-`, `${own}-`)
    .replace('<svg ', `<svg role="img" aria-labelledby="${own}-title ${own}-desc" `)
  const start = drawn.indexOf('>') + 1
  const described =
    `${drawn.slice(0, start)}<title id="${own}-title">${escapeXml(title)}</title>` +
    `<desc id="${own}-desc">${escapeXml(says)}</desc>${drawn.slice(start)}`
  const headings = ['time', 'mean, ms', 'p50, ms', 'p99, ms', 'active']
  const data =
    rows.length === 0
      ? ''
      : `<details><summary>The picture as a table</summary>${table(title, headings, rows)}</details>`
  return `<figure><div class="wide" tabindex="0" role="group" aria-label="${escapeXml(title)}">${described}</div>
<figcaption class="faint">${escapeXml(says)}</figcaption>${data}</figure>`
}

function table(
  caption: string,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const head = headings.map((cell) => `<th scope="col">${escapeXml(cell)}</th>`).join('')
  const body = rows
    .map(
      ([first = '', ...rest]) =>
        `<tr><th scope="row">${escapeXml(first)}</th>${rest
          .map((cell) => `<td>${escapeXml(cell)}</td>`)
          .join('')}</tr>`,
    )
    .join('\n')
  const label = escapeXml(caption)
  return `<div class="wide" tabindex="0" role="group" aria-label="${label}"><table>
<caption class="faint">${label}</caption><thead><tr>${head}</tr></thead><tbody>
${body}</tbody></table></div>`
}
