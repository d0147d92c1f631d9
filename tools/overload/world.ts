// What is overloaded: a gateway in front of an embedded Kinesis with one shard, each a process.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../../src/cli/end-with-us.ts'

const BIN = fileURLToPath(new URL('../../bin/headgate.js', import.meta.url))
const CAN_PIN = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0
const KEYS = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'us-east-1' }

/** Bytes of bodies in memory: what the gateway is told to keep to. */
export const MEMORY_MAX_BYTES = 64 * 1024 * 1024

export interface Scenario {
  readonly name: 'without headroom' | 'with headroom'
  readonly spoolMaxBytes: number
  readonly segmentBytes: number
  /** Where the search for the capacity begins. */
  readonly firstPerSecond: number
  /** Of what V8 keeps new objects in it has two; 0 leaves their size to V8. */
  readonly semiSpaceMib: number
}

/** What Node is started with. */
export function nodeOptionsOf({ semiSpaceMib }: Scenario): readonly string[] {
  return semiSpaceMib === 0 ? [] : [`--max-semi-space-size=${semiSpaceMib}`]
}

export interface Overloaded {
  readonly port: number
  /** Resident memory of the gateway, bytes. */
  residentBytes(): number
  /** Processor time that the gateway has used so far, of all its threads, microseconds. */
  cpu(): Cpu
  ledger(): Promise<Readonly<Record<string, number>>>
  close(): Promise<void>
}

export interface Cpu {
  readonly user: number
  readonly system: number
}

export async function openWorld(scenario: Scenario): Promise<Overloaded> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-overload-'))
  writeFileSync(join(folder, 'headgate.yaml'), configOf(scenario))
  // The gateway has a core of its own; what drives it shares the other one.
  const kinesis = start(['kinesis', '--port', '0', '--data', 'kinesis'], { folder, core: 1 })
  const children = [kinesis]
  const close = async () => {
    for (const child of children) await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const { endpoint } = await factsOf(kinesis)
    const args = ['serve', '--port', '0', '--data', 'gateway', '--endpoint', endpoint!]
    const gateway = start(args, { folder, core: 0, nodeOptions: nodeOptionsOf(scenario) })
    children.unshift(gateway)
    const { gateway: origin } = await factsOf(gateway)
    return {
      port: Number(new URL(origin!).port),
      residentBytes: () => residentBytes(gateway.pid!),
      cpu: () => cpuOf(gateway.pid!),
      ledger: async () => (await (await fetch(`${origin}/actuator/kinesis`)).json()) as never,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function configOf({ spoolMaxBytes, segmentBytes }: Scenario): string {
  return `
mappings:
  - { resource: load, stream: load, location: header, specification: key }
admin: { port: 0 }
logLevel: error
memory: { maxBytes: ${MEMORY_MAX_BYTES} }
spool: { maxBytes: ${spoolMaxBytes}, segmentBytes: ${segmentBytes} }
kinesis:
  streams: [{ name: load, shards: 1 }]
`
}

interface Where {
  readonly folder: string
  readonly core: number
  readonly nodeOptions?: readonly string[]
}

function start(
  args: readonly string[],
  { folder: cwd, core, nodeOptions = [] }: Where,
): ChildProcess {
  const rest = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))
  const isAway = args.includes('--endpoint')
  const env = { ...Object.fromEntries(rest), ...(isAway ? KEYS : {}), NO_COLOR: '1' }
  const program = [process.execPath, ...nodeOptions, BIN, ...args, '--json']
  const command = CAN_PIN ? ['taskset', '-c', String(core), ...program] : program
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  endWithUs(child)
  return child
}

function factsOf(child: ChildProcess): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', (line) => resolve(JSON.parse(line)))
    child.once('close', (code) =>
      reject(new Error(`headgate ended with ${code} before it was ready`)),
    )
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await closed
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
}

/** Linux counts the time of processes in hundredths of a second for everybody who asks. */
const TICK_MICROS = 10_000

function cpuOf(pid: number): Cpu {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is a name in brackets, with spaces in it if it likes: the rest is counted.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { user: Number(fields[11]) * TICK_MICROS, system: Number(fields[12]) * TICK_MICROS }
}
