// Two processes that are one gateway, on two cores, beside one process on one core: durable
// answers, a sink behind. Everything is given once a core: a process of the gateway, 50 connections
// of load, the work of the sink. So the first ratio is what the second core is worth. CPU is that
// of the whole family of processes, supervisor included. Linux alone: it asks /proc and taskset.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../src/cli/end-with-us.ts'
import { CAN_PIN, Child, pinned } from './child.ts'
import { loadOf } from './gateway-accepted.ts'
import { type BenchOptions, type BenchResult, type Contender, interleave } from './harness.ts'
import type { LoadResult } from './load-client.ts'

const BIN = fileURLToPath(new URL('../bin/headgate.js', import.meta.url))
const CONFIG = 'admin: { port: 0 }\nlogLevel: error\nproducer: { rateLimit: 1000000 }\n'
const KEYS = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' }
/** Of /proc/PID/stat: USER_HZ, which is 100 on Linux whatever the kernel's own tick. */
const TICK_MICROS = 10_000

const METRICS = [
  { unit: 'requests/s', betterIs: 'higher' },
  { unit: 'CPU µs/request', betterIs: 'lower' },
] as const

export async function run(options: BenchOptions): Promise<BenchResult> {
  if (!CAN_PIN) throw new Error('it takes two cores, and taskset')
  const children: Child[] = []
  const child = (name: string, cores: string) => {
    const one = new Child(new URL(name, import.meta.url), cores)
    children.push(one)
    return one
  }
  const gateways: Gateway[] = []
  try {
    const contender = async (count: number): Promise<Contender> => {
      const each = Array.from({ length: count }, (_, core) => String(core))
      const cores = each.join(',')
      const kinesisPort = await child('./parts/drain-server.ts', cores).call<number>('start')
      const clients = each.map((core) => child('./load-client.ts', core))
      const gateway = await Gateway.start(count, cores, kinesisPort)
      gateways.push(gateway)
      const name = count === 1 ? 'one process, one core' : `${count} processes and cores`
      return { name, round: () => measure(clients, gateway, options) }
    }
    const candidate = await contender(2)
    const baselines = [await contender(1)]
    const cases = [{ label: 'durable', metrics: METRICS, candidate, baselines }]
    return await interleave('workers', cases, options)
  } finally {
    for (const gateway of gateways) gateway.stop()
    for (const one of children) one.stop()
  }
}

async function measure(clients: readonly Child[], gateway: Gateway, { seconds }: BenchOptions) {
  const before = gateway.cpuMicros()
  const load = { ...loadOf(seconds), port: gateway.port }
  const results = await Promise.all(clients.map((one) => one.call<LoadResult>('load', load)))
  await gateway.untilDelivered()
  const micros = gateway.cpuMicros() - before
  let perSecond = 0
  let count = 0
  for (const { goodCount, badCount, elapsedMs } of results) {
    if (badCount > 0) throw new Error(`${badCount} requests were not answered well`)
    count += goodCount
    perSecond += (goodCount * 1000) / elapsedMs
  }
  return [perSecond, micros / count]
}

class Gateway {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #origin: string

  private constructor(child: ChildProcess, folder: string, origin: string) {
    this.#child = child
    this.#folder = folder
    this.#origin = origin
  }

  static async start(count: number, cores: string, kinesisPort: number): Promise<Gateway> {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
    writeFileSync(join(folder, 'headgate.yaml'), CONFIG)
    const args = ['serve', '--port', '0', '--workers', `${count}`, '--json']
    const endpoint = ['--endpoint', `http://127.0.0.1:${kinesisPort}`]
    const command = pinned(cores, [process.execPath, BIN, ...args, ...endpoint])
    const child = spawn(command[0]!, command.slice(1), {
      cwd: folder,
      env: { ...process.env, ...KEYS },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    endWithUs(child)
    const facts = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout! }).once('line', resolve)
      child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}`)))
    })
    return new Gateway(child, folder, JSON.parse(facts).gateway)
  }

  get port(): number {
    return Number(new URL(this.#origin).port)
  }

  /** Of the process and its children. */
  cpuMicros(): number {
    const { pid } = this.#child
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    const family = [pid, ...children.split(' ').filter((id) => id !== '')]
    return family.reduce<number>((sum, id) => sum + cpuMicrosOf(id!), 0)
  }

  async untilDelivered(): Promise<void> {
    for (;;) {
      const answer = await fetch(`${this.#origin}/actuator/kinesis`)
      const { outstanding } = (await answer.json()) as { outstanding: number }
      if (outstanding === 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  stop(): void {
    this.#child.once('exit', () => rmSync(this.#folder, { recursive: true, force: true }))
    this.#child.kill('SIGTERM')
  }
}

function cpuMicrosOf(pid: number | string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may have anything in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS
}
