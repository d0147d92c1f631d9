// A gateway and the Kinesis behind it, each a process of its own, in a folder of their own.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pause } from './client.ts'
import type { Findings } from './findings.ts'
import { type Facts, Program } from './program.ts'
import { ID_MAPPING, MAPPINGS, STREAM } from './requests.ts'

export interface RigOptions {
  readonly workers: number
  readonly isSpooled: boolean
}

/** So small that a flood fills it, and so large that no receipt goes before its time. */
const SPOOL_BYTES = 48 * 1024 * 1024
const DEAD_LETTERS_BYTES = 16 * 1024 * 1024
const DEAD_LETTERS_COUNT = 300
/** Those that were just ended may still be writing. */
const REMOVE_TRIES = 5
/** While Kinesis is away, a client's connection may have been lent its port. */
const PORT_TRIES = 10
const PORT_TRY_MS = 1000
const SHUTDOWN_MS = 8000
/** An orderly end takes no longer, on a machine that has other things to do, too. */
const END_MAX_MS = 30_000

function gatewayConfig({ workers, isSpooled }: RigOptions): string {
  return `${MAPPINGS}${isSpooled ? ID_MAPPING : ''}
workers: ${workers}
shutdownTimeoutMs: ${SHUTDOWN_MS}
logLevel: warn
ack: { deliveredTimeoutMs: 5000 }
admin: { port: 0 }
spool:
  enabled: ${isSpooled}
  maxBytes: ${workers * SPOOL_BYTES}
  segmentBytes: 262144
  parkedMaxCount: 50
deadLetters: { maxCount: ${DEAD_LETTERS_COUNT}, maxBytes: ${workers * DEAD_LETTERS_BYTES} }
`
}

function kinesisConfig(hasLimits: boolean): string {
  return `kinesis: { limits: ${hasLimits}, streams: [{ name: ${STREAM}, shards: 4 }] }\n`
}

export class Rig {
  readonly isSpooled: boolean
  readonly workerCount: number
  /** From the start of a gateway until it is ready, each time. */
  readonly startsMs: number[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'headgate-crash-'))
  readonly #findings: Findings
  readonly #aim: (url: string | null) => void
  readonly #drop = () => this.#removeAll()
  #kinesis: Program | null = null
  #gateway: Program | null = null
  #endpoint: string | null = null
  #facts: Facts | null = null

  /** `aim` is told where the gateway is, and null when there is none. */
  constructor(options: RigOptions, findings: Findings, aim: (url: string | null) => void) {
    this.isSpooled = options.isSpooled
    this.workerCount = options.workers
    this.#findings = findings
    this.#aim = aim
    writeFileSync(join(this.#folder, 'gateway.yaml'), gatewayConfig(options))
    process.once('exit', this.#drop)
  }

  get gateway(): Program {
    return this.#gateway!
  }

  get endpoint(): string {
    return this.#endpoint!
  }

  /** Where the gateway is; null while there is none. */
  get url(): string | null {
    return this.#facts?.['gateway'] ?? null
  }

  /** Where its dead letters are. */
  get adminUrl(): string | null {
    return this.#facts?.['admin'] ?? null
  }

  /** Starts Kinesis, again on the port that it had. */
  async startKinesis({ hasLimits }: { readonly hasLimits: boolean }): Promise<void> {
    writeFileSync(join(this.#folder, 'kinesis.yaml'), kinesisConfig(hasLimits))
    const port = this.#endpoint === null ? '0' : new URL(this.#endpoint).port
    const args = ['kinesis', '--config', 'kinesis.yaml', '--port', port, '--data', 'kinesis']
    for (let tries = 1; ; tries++) {
      this.#kinesis = new Program(args, this.#folder, false)
      const facts = await this.#kinesis.ready
      if (facts !== null) {
        this.#endpoint = facts['endpoint']!
        return
      }
      const { error } = this.#kinesis
      if (tries === PORT_TRIES) throw new Error(`the embedded Kinesis ended: ${error}`)
      await pause(PORT_TRY_MS)
    }
  }

  async endKinesis(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#kinesis?.end(signal)
  }

  /** Starts a gateway and does not wait for it. */
  spawnGateway(): void {
    const args = ['serve', '--config', 'gateway.yaml', '--port', '0', '--data', 'gateway']
    this.#gateway = new Program([...args, '--endpoint', this.endpoint], this.#folder, true)
  }

  /** Starts a gateway and sends the load to it. */
  async startGateway(): Promise<void> {
    const startedAtMs = performance.now()
    this.spawnGateway()
    this.#facts = await this.gateway.ready
    if (this.#facts === null) throw this.#failure()
    this.startsMs.push(Math.round(performance.now() - startedAtMs))
    this.#aim(this.url)
  }

  async killGateway(): Promise<void> {
    if (this.gateway.hasFailed) throw this.#failure()
    await this.gateway.end('SIGKILL')
    this.#left()
  }

  /** An orderly end: within its time, and with exit code 0. */
  async endGateway(): Promise<void> {
    if (this.gateway.hasFailed) throw this.#failure()
    const patience = new AbortController()
    const late = pause(END_MAX_MS, patience.signal).then(() => {
      if (patience.signal.aborted) return
      this.#findings.add('no end', `${END_MAX_MS} ms after SIGTERM`)
      this.gateway.drop()
    })
    const how = await this.gateway.end('SIGTERM')
    patience.abort()
    await late
    if (how !== '0') this.#findings.add('exit code', `${how} after SIGTERM: ${this.gateway.error}`)
    this.#left()
  }

  /** Ends and removes what is there. */
  async end(): Promise<void> {
    this.#aim(null)
    this.#gateway?.drop()
    this.#kinesis?.drop()
    await this.#gateway?.exited
    await this.#kinesis?.exited
    process.off('exit', this.#drop)
    this.#removeAll()
  }

  #removeAll(): void {
    this.#gateway?.drop()
    this.#kinesis?.drop()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: REMOVE_TRIES })
  }

  #left(): void {
    this.#facts = null
    this.#aim(null)
  }

  #failure(): Error {
    return new Error(`the gateway ended by itself:\n${this.gateway.error}`)
  }
}
