// The program as a process that can be killed.

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { childrenOf } from '../children-of.ts'

const BIN = fileURLToPath(new URL('../../bin/headgate.js', import.meta.url))
/** Of what it said on standard error, for the report when it ends by itself. */
const ERROR_MAX_CHARACTERS = 20_000

/** Whatever AWS settings this machine has must not steer it. */
const KEYS = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'us-east-1' }

export type Facts = Readonly<Record<string, string>>

export class Program {
  readonly #child: ChildProcess
  readonly exited: Promise<void>
  /** What it says of itself when it is ready; null when it ended before. */
  readonly ready: Promise<Facts | null>
  #error = ''
  #isEnding = false

  constructor(args: readonly string[], cwd: string, isAway: boolean) {
    const rest = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
    const env = { ...Object.fromEntries(rest), ...(isAway ? KEYS : {}), NO_COLOR: '1' }
    const child = spawn(process.execPath, [BIN, ...args, '--json'], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C at the terminal is for us: what was answered until then is still looked for.
      detached: true,
    })
    this.#child = child
    child.stderr!.on('data', (bytes) => {
      this.#error = (this.#error + bytes).slice(-ERROR_MAX_CHARACTERS)
    })
    this.exited = new Promise((resolve) => child.once('close', () => resolve()))
    this.ready = new Promise((resolve) => {
      createInterface({ input: child.stdout! }).once('line', (line) => resolve(JSON.parse(line)))
      child.once('close', () => resolve(null))
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** The last of what it said on standard error. */
  get error(): string {
    return this.#error
  }

  /** Ended without having been told to. */
  get hasFailed(): boolean {
    return !this.#isEnding && (this.#child.exitCode !== null || this.#child.signalCode !== null)
  }

  /** The ids of its workers, if it has any. */
  get workers(): number[] {
    return childrenOf(this.pid)
  }

  /** Ends it and its workers at once, whatever state they are in; nobody waits. */
  drop(): void {
    this.#isEnding = true
    try {
      // `detached` made it the leader of a group.
      process.kill(-this.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }

  /** Resolves when it has ended, with how: its exit code, or the signal. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.#isEnding = true
    this.#child.kill(signal)
    await this.exited
    return String(this.#child.exitCode ?? this.#child.signalCode)
  }
}
