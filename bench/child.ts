// A process of its own on a core of its own, called like an object. What is measured must not
// share its core with what measures it.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../src/cli/end-with-us.ts'

/** Where the server runs, and where its client. */
export const SERVER_CORE = 0
export const CLIENT_CORE = 1

export const CAN_PIN =
  availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0

/** The command as it runs on these cores alone, where that can be had. */
export function pinned(cores: string, command: readonly string[]): readonly string[] {
  return CAN_PIN ? ['taskset', '-c', cores, ...command] : command
}

const KILL_AFTER_MS = 1000

type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly problem: string })

interface Call {
  readonly id: number
  readonly name: string
  readonly input: unknown
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

export class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  /** Starts `module`, a URL of a file that calls `answerCalls`, on this Node or another. */
  constructor(
    module: URL,
    cores: number | string,
    executable = process.execPath,
    nodeOptions: readonly string[] = [],
  ) {
    const quiet = '--disable-warning=ExperimentalWarning'
    const program = [executable, quiet, ...nodeOptions, fileURLToPath(module)]
    const command = pinned(String(cores), program)
    this.#process = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    endWithUs(this.#process)
    this.#process.on('message', (answer: Answer) => this.#end(answer))
    this.#process.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`${fileURLToPath(module)} ended with ${code}`))
      }
    })
  }

  /** Calls one of the functions that the child gave to `answerCalls`. */
  call<T>(name: string, input: unknown = null): Promise<T> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as T), reject })
      this.#process.send({ id, name, input } satisfies Call)
    })
  }

  /** Processor time that the child has used so far, of all its threads. */
  cpuMicros(): Promise<number> {
    return this.call('cpuMicros')
  }

  /** Memory of the child that is in use. */
  residentBytes(): Promise<number> {
    return this.call('residentBytes')
  }

  /** Lets the child clean up and end; kills it if it does not. */
  stop(): void {
    if (this.#process.connected) this.#process.disconnect()
    setTimeout(() => this.#process.kill('SIGKILL'), KILL_AFTER_MS).unref()
  }

  #end(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('problem' in answer) waiting?.reject(new Error(answer.problem))
    else waiting?.resolve(answer.value)
  }
}

type Functions = Readonly<Record<string, (input: never) => unknown>>

/** In the child: answers the parent's calls until the parent goes away. */
export function answerCalls(functions: Functions): void {
  const cpuMicros = () => {
    const { user, system } = process.cpuUsage()
    return user + system
  }
  const residentBytes = () => process.memoryUsage.rss()
  const all: Functions = { cpuMicros, residentBytes, ...functions }
  process.on('disconnect', () => process.exit(0))
  process.on('message', async ({ id, name, input }: Call) => {
    try {
      const value = await all[name]!(input as never)
      process.send!({ id, value })
    } catch (error) {
      process.send!({ id, problem: error instanceof Error ? error.stack! : String(error) })
    }
  })
}
