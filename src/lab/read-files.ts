// Back from the files of a run to the run, so that a report can be made anew; and from JMeter's own
// samples, which are enough for a report without the gateway's side.

import type { Samples } from './samples.ts'
import type { Second } from './timeline.ts'

/** Takes the lines of a JTL file. Throws `FileError` with the line that it cannot read. */
export class JtlReader {
  readonly #samples: Samples
  #columns: Columns | null = null
  #lineCount = 0
  #firstMs: number | null = null

  constructor(samples: Samples) {
    this.#samples = samples
  }

  /** When the first sample began, since the epoch; null before there was one. */
  get firstMs(): number | null {
    return this.#firstMs
  }

  line(text: string): void {
    this.#lineCount++
    if (text === '') return
    if (this.#columns === null) this.#columns = this.#columnsOf(text)
    else this.#sample(text.split(','), this.#columns)
  }

  #columnsOf(heading: string): Columns {
    const names = heading.split(',')
    const find = (name: string) => {
      const index = names.indexOf(name)
      if (index === -1) throw new FileError(`line 1: there is no column ${name}`)
      return index
    }
    return {
      timeStamp: find('timeStamp'),
      elapsed: find('elapsed'),
      responseCode: find('responseCode'),
      threadName: find('threadName'),
      bytes: find('bytes'),
      sentBytes: find('sentBytes'),
      allThreads: find('allThreads'),
      count: names.length,
    }
  }

  #sample(cells: readonly string[], columns: Columns): void {
    // A text with commas is quoted and falls into more cells: what the lab writes has none.
    if (cells.length !== columns.count) throw this.#error(`${cells.length} cells`)
    const number = (name: keyof Columns) => {
      const value = Number(cells[columns[name]])
      if (!Number.isFinite(value)) throw this.#error(`${name} is ${cells[columns[name]]}`)
      return value
    }
    const atMs = number('timeStamp')
    this.#firstMs ??= atMs
    const status = Number(cells[columns.responseCode])
    const thread = /-(\d+)$/.exec(cells[columns.threadName] ?? '')?.[1]
    this.#samples.add({
      startMs: Math.max(0, atMs - this.#firstMs),
      elapsedMs: number('elapsed'),
      // JMeter writes words where no answer came.
      status: Number.isInteger(status) ? status : 0,
      receivedBytes: number('bytes'),
      sentBytes: number('sentBytes'),
      thread: Math.max(0, Number(thread ?? 1) - 1),
      active: number('allThreads'),
    })
  }

  #error(what: string): FileError {
    return new FileError(`line ${this.#lineCount}: ${what}`)
  }
}

interface Columns {
  readonly timeStamp: number
  readonly elapsed: number
  readonly responseCode: number
  readonly threadName: number
  readonly bytes: number
  readonly sentBytes: number
  readonly allThreads: number
  readonly count: number
}

/** A file that says something else than it should. */
export class FileError extends Error {}

/** The seconds of `timeline.csv`. */
export function secondsOf(csv: string): Second[] {
  const [heading = '', ...lines] = csv.trimEnd().split('\n')
  const names = heading.split(',')
  return lines.map((line) => {
    const cells = new Map(line.split(',').map((cell, i) => [names[i] ?? '', cell]))
    const number = (name: string) => Number(cells.get(name) ?? 0)
    const time = (name: string) => (cells.get(name) ? number(name) : null)
    const shardBytes = new Map<string, number>()
    for (const name of names) {
      if (name.endsWith(' bytes')) shardBytes.set(name.slice(0, -' bytes'.length), number(name))
    }
    return {
      atS: number('second'),
      offered: number('offered'),
      answered: number('answered'),
      errors: number('errors'),
      delivered: number('delivered'),
      failed: number('failed'),
      exhausted: number('exhausted'),
      throttled: number('throttled'),
      outstanding: number('outstanding'),
      oldestAgeMs: number('oldestAgeMs'),
      active: number('active'),
      meanMs: time('meanMs'),
      p50Ms: time('p50Ms'),
      p99Ms: time('p99Ms'),
      maxMs: time('maxMs'),
      shardBytes,
    }
  })
}

/** The seconds as far as the samples know them: without the gateway's side. */
export function secondsFromSamples(samples: Samples): Second[] {
  const seconds: { offered: number; answered: number; errors: number; active: number }[] = []
  const at = (ms: number) => {
    const index = Math.floor(ms / 1000)
    while (seconds.length <= index) seconds.push({ offered: 0, answered: 0, errors: 0, active: 0 })
    return seconds[index]!
  }
  for (let i = 0; i < samples.count; i++) {
    const { startMs, elapsedMs, active } = samples.at(i)
    at(startMs).offered++
    const second = at(startMs + elapsedMs)
    second.answered++
    second.active = Math.max(second.active, active)
  }
  return seconds.map((second, index) => ({
    atS: index + 1,
    ...second,
    ...{ delivered: 0, failed: 0, exhausted: 0, throttled: 0, outstanding: 0, oldestAgeMs: 0 },
    ...{ meanMs: null, p50Ms: null, p99Ms: null, maxMs: null },
    shardBytes: new Map(),
  }))
}

const LINE = /^\[[^\]]*\] \[\+([0-9.]+) s\] \[(info|warning)\] (.*)$/

/** The lines of `statistics.log`. */
export function statisticsOf(log: string) {
  return log.split('\n').flatMap((line) => {
    const [, seconds, severity, text] = LINE.exec(line) ?? []
    if (seconds === undefined || text === undefined) return []
    const level = severity === 'warning' ? ('warn' as const) : ('info' as const)
    return [{ atMs: Number(seconds) * 1000, level, text }]
  })
}
