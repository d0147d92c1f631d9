// Two processes that are one gateway beside one process: durable answers, a sink behind, 50
// connections for each. On two cores the load and the sink take a part of both, so what the
// processes could carry with a core each is told, too: cores ÷ CPU per request, of the whole family
// of processes, supervisor included. Linux alone, because it asks /proc.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Child, CLIENT_CORE } from './child.ts'
import { loadOf } from './gateway-accepted.ts'
import { type BenchOptions, type BenchResult, type Contender, interleave } from './harness.ts'
import type { LoadResult } from './load-client.ts'

const BIN = fileURLToPath(new URL('../bin/headgate.js', import.meta.url))
const CONFIG = 'admin: { port: 0 }\nlogLevel: error\nproducer: { rateLimit: 1000000 }\n'
const KEYS = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' }
/** Of /proc/PID/stat: USER_HZ, which is 100 on Linux whatever the kernel's own tick. */
const TICK_MICROS = 10_000

const METRICS = [
  { unit: 'requests/s, a core each', betterIs: 'higher' },
  { unit: 'requests/s here', betterIs: 'higher' },
  { unit: 'CPU µs/request', betterIs: 'lower' },
] as const

export async function run(options: BenchOptions): Promise<BenchResult> {
  const client = new Child(new URL('./load-client.ts', import.meta.url), CLIENT_CORE)
  const drain = new Child(new URL('./parts/drain-server.ts', import.meta.url), CLIENT_CORE)
  const gateways: Gateway[] = []
  try {
    const kinesisPort = await drain.call<number>('start')
    const contender = async (count: number): Promise<Contender> => {
      const gateway = await Gateway.start(count, kinesisPort)
      gateways.push(gateway)
      const name = count === 1 ? 'one process' : `${count} processes`
      return { name, round: () => measure(client, gateway, options) }
    }
    const candidate = await contender(2)
    const baselines = [await contender(1)]
    const cases = [{ label: 'durable', metrics: METRICS, candidate, baselines }]
    return await interleave('workers', cases, options)
  } finally {
    for (const gateway of gateways) gateway.stop()
    client.stop()
    drain.stop()
  }
}

async function measure(client: Child, gateway: Gateway, { seconds }: BenchOptions) {
  const before = gateway.cpuMicros()
  const base = loadOf(seconds)
  // As many for each: a group commit is shared by those who come to the same process.
  const connectionCount = base.connectionCount * gateway.count
  const load = { ...base, connectionCount, port: gateway.port }
  const { goodCount, badCount, elapsedMs } = await client.call<LoadResult>('load', load)
  if (badCount > 0) throw new Error(`${badCount} requests were not answered well`)
  await gateway.untilDelivered()
  const micros = (gateway.cpuMicros() - before) / goodCount
  return [(gateway.count * 1e6) / micros, (goodCount * 1000) / elapsedMs, micros]
}

class Gateway {
  readonly count: number
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #origin: string

  private constructor(count: number, child: ChildProcess, folder: string, origin: string) {
    this.count = count
    this.#child = child
    this.#folder = folder
    this.#origin = origin
  }

  static async start(count: number, kinesisPort: number): Promise<Gateway> {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
    writeFileSync(join(folder, 'headgate.yaml'), CONFIG)
    const args = ['serve', '--port', '0', '--workers', `${count}`, '--json']
    const endpoint = ['--endpoint', `http://127.0.0.1:${kinesisPort}`]
    const child = spawn(process.execPath, [BIN, ...args, ...endpoint], {
      cwd: folder,
      env: { ...process.env, ...KEYS },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const facts = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout! }).once('line', resolve)
      child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}`)))
    })
    return new Gateway(count, child, folder, JSON.parse(facts).gateway)
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
