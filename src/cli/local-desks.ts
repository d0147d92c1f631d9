// Dead letters in a data directory that no gateway has open: one desk for each number in it.

import { existsSync } from 'node:fs'
import {
  DeadLetterOffice,
  DeadLetters,
  type Desk,
  NewerVersionError,
} from '../dead-letters/index.ts'
import { below, type Disk, DiskError, type Log } from '../host/index.ts'
import { DirectoryInUseError, type NodeHost, nodeHost } from '../host/node/index.ts'
import { Spool, type Transaction } from '../spool/index.ts'
import { cannot, EXIT, ExitError } from './exit.ts'
import type { Settings } from './settings.ts'

/** For what a command has put into the spool; it is synced already. */
const CLOSE_DEADLINE_MS = 10_000

export interface LocalDesks {
  readonly desks: readonly Desk[]
  close(): Promise<void>
}

/**
 * While another process has the directory: the admin address that it tells, empty for none. Throws
 * an `ExitError` when there is no directory, or when it cannot be read.
 */
export async function openLocalDesks(settings: Settings, log: Log): Promise<LocalDesks | string> {
  const { data } = settings
  if (!existsSync(data)) {
    const remedy = 'Name one with --data, or a gateway that runs with --admin.'
    throw new ExitError(EXIT.failed, `There is no data directory ${data}. ${remedy}`)
  }
  const world = await worldOf(data)
  if (typeof world === 'string') return world
  const opened: LocalDesk[] = []
  const close = async () => {
    for (const desk of opened) await desk.close()
    await world.close()
  }
  try {
    for (const folder of await foldersOf(world.disk)) {
      opened.push(await LocalDesk.open(world, folder, settings, log))
    }
  } catch (error) {
    await close()
    if (!(error instanceof DiskError || error instanceof NewerVersionError)) throw error
    throw cannot(`The dead letters in ${data} cannot be read`, error)
  }
  return { desks: opened, close }
}

/** A string while another process has it: the admin address that it tells. */
export async function worldOf(data: string): Promise<NodeHost | string> {
  try {
    return await nodeHost({ dataDirectory: data })
  } catch (error) {
    if (error instanceof DirectoryInUseError) return error.told
    if (error instanceof DiskError) throw cannot(`The data directory ${data} cannot be used`, error)
    throw error
  }
}

/** The numbers of the processes that have kept dead letters here. */
async function foldersOf(disk: Disk): Promise<readonly string[]> {
  const folders = (await disk.list()).flatMap((name) => {
    return /^([0-9]+)\/dead-letters\//.exec(name)?.[1] ?? []
  })
  return [...new Set(folders)].sort((a, b) => Number(a) - Number(b))
}

/** What the gateway would do, without one: the spool is opened when records are to go into it. */
class LocalDesk extends DeadLetterOffice {
  readonly #close: () => Promise<void>

  private constructor(letters: DeadLetters, spool: LazySpool) {
    super(letters, spool)
    this.#close = async () => {
      await spool.close()
      await letters.close()
    }
  }

  static async open(world: NodeHost, folder: string, settings: Settings, log: Log) {
    const { clock, random } = world
    const own = below(world.disk, folder)
    const host = { clock, random, disk: below(own, 'dead-letters') }
    const letters = await DeadLetters.open(host, settings.deadLetters, log)
    const open = () => {
      const spoolHost = { clock, random, disk: below(own, 'spool') }
      return Spool.open(spoolHost, settings, { deadLetters: letters }, log)
    }
    return new LocalDesk(letters, new LazySpool(open))
  }

  close(): Promise<void> {
    return this.#close()
  }
}

class LazySpool {
  readonly #open: () => Promise<Spool>
  #opening: Promise<Spool> | null = null

  constructor(open: () => Promise<Spool>) {
    this.#open = open
  }

  append(transaction: Transaction): void {
    this.#opening ??= this.#open()
    this.#opening.then(
      (spool) => spool.append(transaction),
      ({ message }: Error) => {
        transaction.refused({ code: 'disk-failed', message, mayBeWritten: false })
      },
    )
  }

  async close(): Promise<void> {
    const spool = await this.#opening?.catch(() => null)
    await spool?.stop()
    await spool?.close(CLOSE_DEADLINE_MS)
  }
}
