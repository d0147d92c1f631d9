// headgate dead-letters: what could not be delivered is listed, shown, sent again or thrown away.

import {
  ALL_LETTERS,
  type Desk,
  type LetterFilter,
  type LetterLine,
  type LetterPage,
  type Replayed,
} from '../dead-letters/index.ts'
import { EXIT } from './exit.ts'

export interface DeskOutput {
  readonly isJson: boolean
  readonly print: (text: string) => void
  /** One line that is written over; nothing in a pipe. */
  readonly progress: (text: string) => void
}

/** Letters asked for at once. */
const PAGE_COUNT = 1000
/** Letters sent again or removed by one order, so that progress can be shown. */
const BATCH_COUNT = 500
/** Of a message in the table. */
const MESSAGE_COLUMNS = 60

export async function listLetters(
  desks: readonly Desk[],
  filter: LetterFilter,
  limit: number,
  out: DeskOutput,
): Promise<number> {
  let count = 0
  let shownCount = 0
  const lines: LetterLine[] = []
  for (const desk of desks) {
    let after = filter.after
    for (;;) {
      const pageCount = Math.min(PAGE_COUNT, limit - shownCount)
      const page = await desk.list({ ...filter, after }, pageCount)
      if (after === filter.after) count += page.count
      shownCount += page.letters.length
      if (out.isJson) for (const letter of page.letters) out.print(JSON.stringify(letter))
      else lines.push(...page.letters)
      const last = page.letters.at(-1)
      if (last === undefined || shownCount >= limit) break
      after = last.number
    }
  }
  if (out.isJson) return EXIT.good
  if (lines.length > 0) out.print(tableOf(lines))
  const more =
    shownCount < count
      ? `; ${shownCount} ${shownCount === 1 ? 'is' : 'are'} shown, --limit shows more`
      : ''
  out.print(
    count === 0 ? 'There are none.' : `${count} dead ${count === 1 ? 'letter' : 'letters'}${more}.`,
  )
  return EXIT.good
}

export async function showLetter(
  desks: readonly Desk[],
  receipt: string,
  out: DeskOutput,
): Promise<number> {
  for (const desk of desks) {
    const page = await desk.show(receipt)
    if (page === null) continue
    out.print(out.isJson ? JSON.stringify(page) : pageText(page))
    return EXIT.good
  }
  out.print(out.isJson ? 'null' : `There is no dead letter with the receipt ${receipt}.`)
  return EXIT.failed
}

export async function replayLetters(
  desks: readonly Desk[],
  filter: LetterFilter,
  limit: number,
  out: DeskOutput,
): Promise<number> {
  let refusal: Replayed['refusal'] = null
  const order: Order = async (desk, meant, count) => {
    if (refusal !== null) return 0
    const done = await desk.replay(meant, count)
    refusal = done.refusal
    return done.replayed
  }
  const { done, left } = await inBatches(desks, { filter, limit, order, verb: 'sent again' }, out)
  // Asked anew: the compiler does not see that the order has set it.
  const why = refusal as Replayed['refusal']
  if (out.isJson) out.print(JSON.stringify({ replayed: done, left, refusal: why }))
  else {
    out.print(`${done} sent again, ${left} left.`)
    if (why !== null) out.print(`The spool took no more: ${why.message} (${why.code})`)
  }
  return why === null ? EXIT.good : EXIT.failed
}

export async function purgeLetters(
  desks: readonly Desk[],
  filter: LetterFilter,
  limit: number,
  out: DeskOutput,
): Promise<number> {
  const order: Order = async (desk, meant, count) => (await desk.purge(meant, count)).purged
  const { done, left } = await inBatches(desks, { filter, limit, order, verb: 'removed' }, out)
  out.print(out.isJson ? JSON.stringify({ purged: done, left }) : `${done} removed, ${left} left.`)
  return EXIT.good
}

export async function countLetters(desks: readonly Desk[], filter: LetterFilter): Promise<number> {
  let count = 0
  for (const desk of desks) count += (await desk.list(filter, 0)).count
  return count
}

/** Does something to the first `count` letters that are meant; resolves with how many it was. */
type Order = (desk: Desk, meant: LetterFilter, count: number) => Promise<number>

interface Batches {
  readonly filter: LetterFilter
  readonly limit: number
  readonly order: Order
  readonly verb: string
}

async function inBatches(
  desks: readonly Desk[],
  { filter, limit, order, verb }: Batches,
  out: DeskOutput,
): Promise<{ done: number; left: number }> {
  let done = 0
  let left = await countLetters(desks, filter)
  for (const desk of desks) {
    // What dies again meanwhile has a higher number: nothing goes round in circles.
    const { lastNumber } = await desk.list(filter, 0)
    const meant = { ...filter, upTo: lastNumber }
    while (done < limit) {
      out.progress(`${verb}: ${done}, left: ${left}`)
      const count = await order(desk, meant, Math.min(BATCH_COUNT, limit - done))
      if (count === 0) break
      done += count
      left -= count
    }
  }
  out.progress('')
  return { done, left }
}

/** What the options say; null where one is left out. */
export function filterOf(options: {
  stream?: string | undefined
  code?: string | undefined
  receipt?: string | undefined
  since?: number | undefined
}): LetterFilter {
  const { stream, code, receipt, since } = options
  return {
    ...ALL_LETTERS,
    stream: stream ?? null,
    code: code ?? null,
    receipt: receipt ?? null,
    sinceMs: since ?? null,
  }
}

/** An instant: a date, seconds since the epoch, or how long ago (`90s`, `15m`, `2h`, `7d`). */
export function parseSince(text: string, nowMs: number): number | null {
  const [, amount, unit] = /^([0-9]{1,9})([smhd])$/.exec(text) ?? []
  if (amount !== undefined && unit !== undefined) {
    return Math.max(0, nowMs - Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS])
  }
  const atMs = /^[0-9]{1,12}$/.test(text) ? Number(text) * 1000 : dateMs(text)
  return Number.isFinite(atMs) && atMs >= 0 ? atMs : null
}

/** Only what begins as a date does: the parser finds dates in nearly everything. */
function dateMs(text: string): number {
  return /^[0-9]{4}-[0-9]{2}/.test(text) ? Date.parse(text) : Number.NaN
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

function tableOf(letters: readonly LetterLine[]): string {
  const head = ['RECEIPT', 'DIED AT', 'STREAM', 'CODE', 'BYTES', 'TRIES', 'MESSAGE']
  const rows = letters.map((letter) => [
    letter.receipt,
    instant(letter.diedAtMs),
    letter.stream,
    letter.code,
    String(letter.dataBytes),
    String(letter.attemptCount),
    plain(letter.message.replaceAll(/\s+/g, ' ')).slice(0, MESSAGE_COLUMNS),
  ])
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map((cells) => cells[at]!.length)))
  return all
    .map((cells) =>
      cells
        .map((c, at) => c.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function pageText(page: LetterPage): string {
  const { explicitHashKey, attempts, attemptCount } = page
  const written = page.mayBeWritten ? 'it may be in the stream all the same' : 'not in the stream'
  const facts = [
    ['receipt', page.receipt],
    ['stream', page.stream],
    ['partition key', plain(page.partitionKey)],
    ...(explicitHashKey === null ? [] : [['explicit hash key', explicitHashKey]]),
    ['arrived', instant(page.arrivedAtMs)],
    ['died', instant(page.diedAtMs)],
    ['why', `${page.code}: ${plain(page.message)}`],
    ['written', written],
    ['attempts', String(attemptCount)],
  ] as [string, string][]
  const tries = attempts.map(({ startedAtMs, durationMs, code, message }) => {
    return `  ${instant(startedAtMs)}  ${durationMs} ms  ${code ?? 'good'}  ${plain(message ?? '')}`
  })
  const data = page.encoding === 'base64' ? page.data : plain(page.data)
  const rows = facts.map(([name, value]) => `${name.padEnd(18)} ${value}`)
  return [...rows, ...tries, `data, ${page.dataBytes} bytes, ${page.encoding}:`, data].join('\n')
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString()
}

/** Without what would steer the terminal: records come from anywhere. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
}
