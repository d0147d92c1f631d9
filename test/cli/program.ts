// The program as a process, on ports of its own and in a directory of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../bin/headgate.js', import.meta.url))

export interface Ended {
  readonly exitCode: number | null
  readonly out: string
  readonly err: string
}

/** What an AWS user has in the environment must not steer these tests. */
function cleanEnv(env: Record<string, string>): NodeJS.ProcessEnv {
  const rest = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  return { ...Object.fromEntries(rest), NO_COLOR: '1', ...env }
}

function start(args: readonly string[], cwd: string, env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: cleanEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve))
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: Record<string, string>
  /** Told the process's id. */
  readonly onStart?: (pid: number) => void
}

/** Runs a command to its end. */
export async function run(
  args: readonly string[],
  { cwd = tmpdir(), env = {}, onStart = () => {} }: RunOptions = {},
): Promise<Ended> {
  const child = start(args, cwd, env)
  onStart(child.pid!)
  const [out, err, exitCode] = await Promise.all([
    textOf(child.stdout!),
    textOf(child.stderr!),
    exitOf(child),
  ])
  return { exitCode, out, err }
}

export interface Running {
  /** What it said of itself when it was ready. */
  readonly facts: Record<string, string>
  readonly pid: number
  /** Sends a signal and waits for the end. */
  stop(signal: NodeJS.Signals): Promise<Ended>
}

/** Starts a command that runs until it is stopped, and waits until it is ready. */
export async function running(
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Running> {
  const child = start([...args, '--json'], cwd, env)
  const err = textOf(child.stderr!)
  const exit = exitOf(child)
  const lines = createInterface({ input: child.stdout! })
  const first = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve)
    exit.then(async (code) => reject(new Error(`ended with ${code}: ${await err}`)))
  })
  return {
    facts: JSON.parse(first),
    pid: child.pid!,
    stop: async (signal) => {
      child.kill(signal)
      return { exitCode: await exit, out: '', err: await err }
    },
  }
}

/** A directory for one test, removed after it. */
export function temporaryDirectory(context: { after(task: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-cli-'))
  context.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A gateway with an embedded Kinesis on free ports. */
export function serving(cwd: string, args: readonly string[] = [], env = {}): Promise<Running> {
  return running(['serve', '--port', '0', '--kinesis-port', '0', ...args], cwd, env)
}
