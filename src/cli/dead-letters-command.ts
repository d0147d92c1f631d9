// The command's options, and where it works.

import { createInterface } from 'node:readline/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Desk, LetterFilter } from '../dead-letters/index.ts'
import {
  countLetters,
  filterOf,
  listLetters,
  parseSince,
  purgeLetters,
  replayLetters,
  showLetter,
} from './dead-letters.ts'
import { HttpDesk } from './dead-letters-desk.ts'
import { EXIT, usageError } from './exit.ts'
import { openLocalDesks } from './local-desks.ts'
import { stderrLog } from './log.ts'
import { readSettings, type SettingsOverrides } from './settings.ts'

interface PlaceOptions {
  admin?: string
  config?: string
  data?: string
  json?: boolean
}

interface FilterOptions extends PlaceOptions {
  stream?: string
  code?: string
  receipt?: string
  since?: number
  limit?: number
}

interface PurgeOptions extends FilterOptions {
  all?: boolean
  yes?: boolean
}

const LIST_LIMIT = 100

export function addDeadLetters(program: Command, print: (text: string) => void): void {
  const group = program
    .command('dead-letters')
    .description('List, show, send again or throw away what could not be delivered.')
    .addHelpText(
      'after',
      `
They are kept until somebody decides. The commands ask the gateway that runs on the data directory;
while none does, they work on the directory itself.

Example:
  headgate dead-letters list --stream s1 --since 2h
  headgate dead-letters replay --code ResourceNotFoundException`,
    )
  const list = withFilters(group.command('list')).description('List them, oldest first.')
  addPlace(list, 'headgate dead-letters list --stream s1 --since 2h').action((options) =>
    runList(options, print),
  )
  const show = group.command('show').description('Show one, with its data and its attempts.')
  addPlace(show.argument('<receipt>'), 'headgate dead-letters show 1-0-9f86d081').action(
    (receipt: string, options: PlaceOptions) =>
      run(options, (desks) => showLetter(desks, receipt, outputOf(options, print))),
  )
  const replay = withFilters(group.command('replay')).description(
    'Send them again, under the receipts that they have; without a filter all.',
  )
  addPlace(replay, 'headgate dead-letters replay --code ResourceNotFoundException').action(
    (options: FilterOptions) =>
      run(options, (desks) =>
        replayLetters(desks, filterOf(options), limitOf(options), outputOf(options, print)),
      ),
  )
  const purge = withFilters(group.command('purge'))
    .description('Throw them away; says how many first, and asks.')
    .option('--all', 'every one: needed where no filter says which')
    .option('--yes', 'do not ask; needed in a pipe')
  addPlace(purge, 'headgate dead-letters purge --stream gone --yes').action((options) =>
    runPurge(options, print),
  )
}

function withFilters(command: Command): Command {
  return command
    .option('--stream <name>', 'of this stream')
    .option('--code <code>', 'that died of this, such as ResourceNotFoundException')
    .option('--receipt <id>', 'the one with this receipt')
    .addOption(
      new Option(
        '--since <when>',
        'that died since: 2h, 7d, 2026-01-31T12:00Z, epoch seconds',
      ).argParser(sinceOf),
    )
    .addOption(new Option('--limit <n>', 'at most so many').argParser(countOf))
}

function addPlace(command: Command, example: string): Command {
  return command
    .option(
      '--admin <url>',
      "a running gateway's admin address (default: of the one on the data directory)",
    )
    .option('--config <file>', 'configuration file (default: headgate.yaml, if there is one)')
    .option(
      '--data <directory>',
      'data directory, whether a gateway runs on it or not (default: .headgate)',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExample:\n  ${example}`)
}

function runList(options: FilterOptions, print: (text: string) => void): Promise<void> {
  const limit = options.limit ?? LIST_LIMIT
  return run(options, (desks) =>
    listLetters(desks, filterOf(options), limit, outputOf(options, print)),
  )
}

async function runPurge(options: PurgeOptions, print: (text: string) => void): Promise<void> {
  const filter = filterOf(options)
  const isFiltered = Object.values(filter).some((value) => value !== null)
  if (!isFiltered && !options.all) {
    throw usageError('Say which to throw away (--stream, --code, --since, --receipt), or --all.')
  }
  if (!options.yes && !process.stdin.isTTY) {
    throw usageError('Nobody is there to be asked: say --yes.')
  }
  const output = outputOf(options, print)
  await run(options, async (desks) => {
    if (!options.yes && !(await isConfirmed(desks, filter, limitOf(options)))) return EXIT.failed
    return purgeLetters(desks, filter, limitOf(options), output)
  })
}

async function isConfirmed(
  desks: readonly Desk[],
  filter: LetterFilter,
  limit: number,
): Promise<boolean> {
  const count = Math.min(limit, await countLetters(desks, filter))
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const what = count === 1 ? '1 dead letter? It is' : `${count} dead letters? They are`
  const answer = await terminal.question(`Throw away ${what} lost. [y/N] `)
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

/** Finds out where to work, works, and leaves the exit code. */
async function run(
  options: PlaceOptions,
  work: (desks: readonly Desk[]) => Promise<number>,
): Promise<void> {
  const overrides = { data: options.data } as SettingsOverrides
  const settings = readSettings(options.config ?? null, process.env, overrides)
  const { token } = settings.admin
  if (options.admin !== undefined) {
    process.exitCode = await work([new HttpDesk(originOf(options.admin), token)])
    return
  }
  const local = await openLocalDesks(settings, stderrLog('error'))
  if (typeof local === 'string') {
    if (local === '') {
      const why = `Another process has ${settings.data} and tells no admin address`
      throw usageError(`${why} (it starts, or admin.port is off): name one with --admin.`)
    }
    process.exitCode = await work([new HttpDesk(local, token)])
    return
  }
  try {
    process.exitCode = await work(local.desks)
  } finally {
    await local.close()
  }
}

function outputOf({ json }: PlaceOptions, print: (text: string) => void) {
  const progress = (text: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  }
  return { isJson: json === true, print, progress }
}

function limitOf({ limit }: FilterOptions): number {
  return limit ?? Number.MAX_SAFE_INTEGER
}

function originOf(url: string): string {
  if (/^https?:\/\/[^/\s]+\/?$/.test(url)) return url
  throw usageError(`--admin takes http://HOST:PORT, not ${url}.`)
}

function sinceOf(text: string): number {
  const atMs = parseSince(text, Date.now())
  if (atMs === null) throw new InvalidArgumentError('Say 2h, a date or epoch seconds.')
  return atMs
}

function countOf(text: string): number {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new InvalidArgumentError('Say a number from 1 on.')
  return Number(text)
}
