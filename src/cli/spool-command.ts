// headgate spool: what of the spool cannot be read, and giving it up. For a data directory that no
// gateway has: only a start reads everything.

import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { below, DiskError, type Host, type Log } from '../host/index.ts'
import { NewerFormatError, Spool, type SpoolConfig } from '../spool/index.ts'
import { cannot, EXIT, ExitError, usageError } from './exit.ts'
import { worldOf } from './local-desks.ts'
import { stderrLog } from './log.ts'
import { readSettings, type SettingsOverrides } from './settings.ts'

/** What the spools of all processes of a data directory say after a start. */
export interface SpoolFinding {
  readonly unsettledRecords: number
  readonly failures: number
  readonly unreadableRecords: number
  readonly unreadableFiles: number
  /** Not as they were written, or not read; some may hold no record. */
  readonly damagedBytes: number
  /** Lost in them; whoever has read that once counts them no more. */
  readonly damagedRecords: number
}

type SpoolHost = Pick<Host, 'clock' | 'random' | 'disk'>

interface Place {
  readonly host: SpoolHost
  readonly config: SpoolConfig
  readonly log: Log
}

interface SpoolOptions {
  config?: string
  data?: string
  json?: boolean
  yes?: boolean
}

/** Nothing is sent, so nothing fails. */
const NO_DEAD_LETTERS = { add() {}, onRoom() {} }
const CLOSE_DEADLINE_MS = 10_000

export function addSpool(program: Command, print: (text: string) => void): void {
  const group = program
    .command('spool')
    .description('Look for records that the disk does not give, and give them up.')
    .addHelpText(
      'after',
      `
A record that is on the disk and cannot be read stays where it is, and is tried again at each start.
These commands are for a data directory that no gateway has open.

Example:
  headgate spool check
  headgate spool give-up`,
    )
  addPlace(group.command('check'), 'headgate spool check --data /var/lib/headgate')
    .description('Read everything; exit code 1 when something cannot be read or is damaged.')
    .action((options: SpoolOptions) => run(options, (place) => runCheck(place, options, print)))
  addPlace(group.command('give-up'), 'headgate spool give-up --yes')
    .description('Count what cannot be read as failed; says how much first, and asks.')
    .option('--yes', 'do not ask; needed in a pipe')
    .action((options: SpoolOptions) => run(options, (place) => runGiveUp(place, options, print)))
}

function addPlace(command: Command, example: string): Command {
  return command
    .option('--config <file>', 'configuration file (default: headgate.yaml, if there is one)')
    .option('--data <directory>', 'data directory (default: .headgate)')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExample:\n  ${example}`)
}

async function run(
  { config, data: directory }: SpoolOptions,
  work: (place: Place) => Promise<number>,
): Promise<void> {
  const overrides = { data: directory } as SettingsOverrides
  const settings = readSettings(config ?? null, process.env, overrides)
  const { data } = settings
  if (!existsSync(data)) {
    throw new ExitError(EXIT.failed, `There is no data directory ${data}. Name one with --data.`)
  }
  const host = await worldOf(data)
  if (typeof host === 'string') {
    throw new ExitError(EXIT.failed, `A gateway has ${data} open: stop it first.`)
  }
  try {
    process.exitCode = await work({ host, config: settings, log: stderrLog('error') })
  } catch (error) {
    if (!(error instanceof DiskError || error instanceof NewerFormatError)) throw error
    throw cannot(`The spool in ${data} cannot be read`, error)
  } finally {
    await host.close()
  }
}

async function runCheck(place: Place, { json }: SpoolOptions, print: (text: string) => void) {
  const found = await readSpools(place)
  print(json ? JSON.stringify(found) : textOf(found))
  return found.unreadableFiles === 0 && found.damagedBytes === 0 ? EXIT.good : EXIT.failed
}

async function runGiveUp(
  place: Place,
  { json, yes }: SpoolOptions,
  print: (text: string) => void,
): Promise<number> {
  if (!yes && !process.stdin.isTTY) throw usageError('Nobody is there to be asked: say --yes.')
  const before = await readSpools(place)
  if (before.unreadableFiles > 0 && !yes && !(await isConfirmed(before))) return EXIT.failed
  const after = before.unreadableFiles === 0 ? before : await readSpools(place, { givesUp: true })
  const givenUp = after.failures - before.failures
  if (json) print(JSON.stringify({ givenUp, ...after }))
  else if (before.unreadableFiles === 0) print(`${textOf(before)} There is nothing to give up.`)
  else print(`${recordsOf(givenUp)} given up, counted as failed (Damaged).`)
  return EXIT.good
}

async function isConfirmed(found: SpoolFinding): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${textOf(found)}\nGive them up? They are lost. [y/N] `)
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

/** As a start reads them; with `givesUp` what the disk does not give counts as lost from now on. */
export async function readSpools(
  { host, config, log }: Place,
  { givesUp = false } = {},
): Promise<SpoolFinding> {
  const found = {
    unsettledRecords: 0,
    failures: 0,
    unreadableRecords: 0,
    unreadableFiles: 0,
    damagedBytes: 0,
    damagedRecords: 0,
  }
  const { clock, random } = host
  for (const folder of await foldersOf(host)) {
    const disk = below(below(host.disk, folder), 'spool')
    const parts = { deadLetters: NO_DEAD_LETTERS, givesUp }
    const spool = await Spool.open({ clock, random, disk }, config, parts, log)
    const { stats } = spool
    found.unsettledRecords += stats.unsettledRecords
    found.failures += spool.totals.failures
    found.unreadableRecords += stats.unreadableRecords
    found.unreadableFiles += stats.unreadableFiles
    found.damagedBytes += stats.damagedBytes
    found.damagedRecords += stats.damagedRecords
    await spool.close(CLOSE_DEADLINE_MS)
  }
  return found
}

/** The numbers of the processes that have a spool here. */
async function foldersOf({ disk }: SpoolHost): Promise<readonly string[]> {
  const folders = (await disk.list()).flatMap((name) => /^([0-9]+)\/spool\//.exec(name)?.[1] ?? [])
  return [...new Set(folders)].sort((a, b) => Number(a) - Number(b))
}

function textOf(found: SpoolFinding): string {
  const { unsettledRecords, unreadableRecords, unreadableFiles } = found
  const parts = [`${recordsOf(unsettledRecords)} in the spool.`]
  if (unreadableFiles > 0) {
    const files = unreadableFiles === 1 ? '1 file' : `${unreadableFiles} files`
    parts.push(`At least ${recordsOf(unreadableRecords)} in ${files} cannot be read.`)
  }
  // What the disk does not give counts among the bytes, too.
  const isDamaged = found.damagedRecords > 0 || (unreadableFiles === 0 && found.damagedBytes > 0)
  if (isDamaged) parts.push(damageOf(found))
  if (parts.length === 1) parts.push('Everything can be read.')
  return parts.join(' ')
}

function damageOf({ damagedBytes, damagedRecords }: SpoolFinding): string {
  const lost =
    damagedRecords === 0
      ? 'no record more is lost with them'
      : `lost with them: ${recordsOf(damagedRecords)}, counted as failed (Damaged)`
  return `${damagedBytes} bytes are damaged; ${lost}.`
}

function recordsOf(count: number): string {
  return count === 1 ? '1 record' : `${count} records`
}
