// The simulated disk of one machine. It outlives the machine's processes; operations take time and
// can fail, and what a crash finds half done stays half done.

import { checkFileName, type Disk, DiskError, type LogFile } from '../host/index.ts'
import {
  CRASH_KEEPS_PER_MILLE,
  type DiskFaults,
  NO_DISK_FAULTS,
  SLOW_DISK_MAX_MS,
} from './faults.ts'
import type { SimProcess } from './machine.ts'
import { SimFile } from './sim-file.ts'
import { type Operate, type Operation, SimLogFile } from './sim-log-file.ts'
import type { SimRandom } from './sim-random.ts'
import type { World } from './world.ts'

/** How long an operation takes: 10 µs to 1 ms. */
const OPERATION_MIN_US = 10
const OPERATION_MAX_US = 1_000

export class SimDisk {
  readonly #world: World
  readonly #name: string
  readonly #random: SimRandom
  readonly #faults: DiskFaults
  readonly #files = new Map<string, SimFile>()
  /** What a crash may leave of the operations under way; each decides for itself. */
  readonly #underWay = new Set<() => void>()
  /** Of a file the byte that cannot be read, or null: it cannot be opened. */
  readonly #badPlaces = new Map<string, number | null>()
  #failsUntilMs = 0

  constructor(world: World, name: string, faults: DiskFaults = NO_DISK_FAULTS) {
    this.#world = world
    this.#name = name
    this.#random = world.random.fork(`disk of ${name}`)
    this.#faults = faults
  }

  get random(): SimRandom {
    return this.#random
  }

  /** The disk as a process uses it. */
  seenBy(process: SimProcess): Disk {
    const operate: Operate = (kind, operation) => this.#operate(process, kind, operation)
    return {
      open: (name) => this.#open(name, operate),
      renew: (oldName, name) => this.#renew(oldName, name, operate),
      list: () => {
        const check = () => this.checkOther()
        return operate('disk list', { check, act: () => [...this.#files.keys()] })
      },
      remove: (name) => this.#remove(name, operate),
      replace: (name, bytes) => this.#replace(name, bytes, operate),
      rewrite: (name) => this.#rewrite(name, operate),
      load: (name) => this.#load(name, operate),
      sizeOf: (name) => operate('disk size', { act: () => this.#files.get(name)?.sizeBytes ?? 0 }),
    }
  }

  /** The machine's process has ended; with `isPowerLost` bytes that were not synced may be gone. */
  crash(isPowerLost: boolean): void {
    for (const leave of this.#underWay) leave()
    this.#underWay.clear()
    if (!isPowerLost) return
    const keepsPerMille = this.#random.pick(CRASH_KEEPS_PER_MILLE)
    for (const file of this.#files.values()) file.losePower(this.#random, keepsPerMille)
  }

  async #open(name: string, operate: Operate): Promise<LogFile> {
    checkFileName(name)
    const make = () => {
      const known = this.#files.get(name)
      if (known !== undefined) {
        known.forgetReserve()
        return known
      }
      const file = new SimFile()
      this.#files.set(name, file)
      return file
    }
    const check = () => {
      this.checkOther(() => this.#perhaps(make))
      if (this.#badPlaces.get(name) === null) this.#failBadly()
    }
    const file = await operate('disk open', { check, act: make, crash: () => this.#perhaps(make) })
    return new SimLogFile(name, file, this, operate)
  }

  async #renew(oldName: string, name: string, operate: Operate): Promise<LogFile> {
    checkFileName(name)
    const move = () => {
      const file = this.#files.get(oldName)
      if (file === undefined) throw new DiskError('ENOENT', `there is no ${oldName}`)
      this.#files.delete(oldName)
      this.#badPlaces.delete(oldName)
      this.#files.set(name, file)
      return file
    }
    const act = () => {
      const file = move().renewed()
      this.#files.set(name, file)
      return file
    }
    const check = () => this.checkOther(() => this.#perhaps(move))
    const file = await operate('disk renew', { check, act, crash: () => this.#perhaps(move) })
    return new SimLogFile(name, file, this, operate)
  }

  async #remove(name: string, operate: Operate): Promise<void> {
    checkFileName(name)
    const remove = () => {
      this.#files.delete(name)
      this.#badPlaces.delete(name)
    }
    const check = () => this.checkOther(() => this.#perhaps(remove))
    await operate('disk remove', { check, act: remove, crash: () => this.#perhaps(remove) })
  }

  async #replace(name: string, bytes: Uint8Array, operate: Operate): Promise<void> {
    checkFileName(name)
    const content = Buffer.from(bytes)
    const replace = () => {
      const file = new SimFile()
      file.append(content)
      file.beginSync()()
      this.#files.set(name, file)
    }
    const check = () => this.checkWrite(content.length)
    await operate('disk replace', { check, act: replace, crash: () => this.#perhaps(replace) })
  }

  async #rewrite(name: string, operate: Operate): Promise<void> {
    checkFileName(name)
    const rewrite = () => this.#files.set(name, this.#files.get(name)!.rewritten())
    const check = () => {
      const file = this.#files.get(name)
      if (file === undefined) throw new DiskError('ENOENT', `there is no ${name}`)
      if (this.#badPlaces.get(name) === null) this.#failBadly()
      this.checkOther()
      this.checkPlace(name, 0, file.sizeBytes)
      this.checkWrite(file.sizeBytes)
    }
    const crash = () => this.#perhaps(rewrite)
    await operate('disk rewrite', { check, act: rewrite, crash })
  }

  async #load(name: string, operate: Operate): Promise<Buffer | null> {
    checkFileName(name)
    return operate('disk load', {
      check: () => this.checkOther(),
      act: () => {
        const file = this.#files.get(name)
        return file === undefined ? null : file.read(0, file.sizeBytes)
      },
    })
  }

  /** What the disk still holds; as much as one likes when it never fills up. */
  freeBytes(): number {
    const { capacityBytes } = this.#faults
    if (capacityBytes === null || !this.#world.areFaultsOn) return Number.MAX_SAFE_INTEGER
    return Math.max(0, capacityBytes - this.bytesOf(() => true))
  }

  /** Throws when the world wants a write of so many bytes to fail. */
  checkWrite(bytes: number): void {
    if (!this.#world.areFaultsOn) return
    if (bytes > this.freeBytes()) {
      throw new DiskError('ENOSPC', 'the simulated disk is full')
    }
    if (this.#failsOn || this.#random.hits(this.#faults.errorPerMille)) this.#fail()
  }

  /** Throws when the world wants what is neither a write nor a sync to fail, half done. */
  checkOther(leave: () => void = () => {}): void {
    const { otherErrorPerMille = 0 } = this.#faults
    if (otherErrorPerMille === 0 || !this.#world.areFaultsOn) return
    if (!this.#failsOn && !this.#random.hits(otherErrorPerMille)) return
    leave()
    this.#fail()
  }

  /** Throws when a place that is bad is among these bytes. */
  checkPlace(name: string, position: number, lengthBytes: number): void {
    const badAt = this.#badPlaces.get(name) ?? Number.POSITIVE_INFINITY
    if (position <= badAt && badAt < position + lengthBytes) this.#failBadly()
  }

  get #failsOn(): boolean {
    return this.#world.nowMs < this.#failsUntilMs
  }

  #fail(): never {
    const { failsOnMaxMs = 0 } = this.#faults
    if (failsOnMaxMs > 0 && !this.#failsOn) {
      this.#failsUntilMs = this.#world.nowMs + this.#random.below(failsOnMaxMs)
    }
    throw new DiskError('EIO', 'the simulated disk failed')
  }

  #failBadly(): void {
    if (this.#world.areFaultsOn) throw new DiskError('EIO', 'the simulated disk has a bad place')
  }

  /** Turns one bit over of what lies on the disk; false when there is none. */
  rot(isWanted: (name: string) => boolean): boolean {
    const picked = this.#pickFile(isWanted)
    if (picked === null) return false
    const [, file] = picked
    file.flip(this.#random.below(file.dataBytes), this.#random.below(8))
    return true
  }

  /** From now on a file cannot be opened, or not be read at one place; false when there is none. */
  spoil(isWanted: (name: string) => boolean): boolean {
    const picked = this.#pickFile(isWanted)
    if (picked === null) return false
    const [name, file] = picked
    const isWhole = this.#random.below(4) === 0
    this.#badPlaces.set(name, isWhole ? null : this.#random.below(file.dataBytes))
    return true
  }

  /** What these files take, with zeros that are written behind their data or without. */
  bytesOf(isWanted: (name: string) => boolean, { withZeros = true } = {}): number {
    let bytes = 0
    for (const [name, file] of this.#files) {
      if (isWanted(name)) bytes += withZeros ? file.sizeBytes : file.nonZeroBytes
    }
    return bytes
  }

  #pickFile(isWanted: (name: string) => boolean): [string, SimFile] | null {
    const files = [...this.#files].filter(([name, file]) => isWanted(name) && file.dataBytes > 0)
    return files.length === 0 ? null : this.#random.pick(files)
  }

  #perhaps(work: () => unknown): void {
    if (this.#random.below(2) === 0) work()
  }

  #operate<T>(process: SimProcess, kind: string, operation: Operation<T>): Promise<T> {
    const { check, act, crash } = operation
    const leave = crash ?? (() => {})
    this.#underWay.add(leave)
    return new Promise((resolve, reject) => {
      process.schedule(this.#world.nowMs + this.#durationMs(), kind, () => {
        this.#underWay.delete(leave)
        try {
          check?.()
          resolve(act())
        } catch (error) {
          this.#world.note(`${this.#name} ${kind} fails: ${(error as DiskError).code}`)
          reject(error)
        }
      })
    })
  }

  #durationMs(): number {
    const isSlow = this.#world.areFaultsOn && this.#random.hits(this.#faults.slowPerMille)
    const slowMs = isSlow ? this.#random.below(SLOW_DISK_MAX_MS) : 0
    if (isSlow) this.#world.note(`${this.#name} disk is slow`, slowMs)
    return slowMs + this.#random.between(OPERATION_MIN_US, OPERATION_MAX_US) / 1000
  }
}
