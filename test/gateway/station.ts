// A gateway on a hand-driven clock, with a line behind it that settles when the test says so.

import { readConfig } from '../../src/config/index.ts'
import {
  Gateway,
  type GatewayConfig,
  gatewayFields,
  type Peers,
  WITHOUT_SPOOL,
} from '../../src/gateway/index.ts'
import type { HttpAnswer, Random } from '../../src/host/index.ts'
import type { RecordResult, UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'
import type { ScriptedSpool } from './scripted-spool.ts'

export const DELIVERED: RecordResult = {
  isDelivered: true,
  place: { shardId: 'shardId-000000000003', sequenceNumber: '4957', subSequenceNumber: 7 },
  attempts: [],
}

export function failed(code: string, mayBeWritten = false): RecordResult {
  const attempt = { startAtMs: 0, endAtMs: 1, code, message: `scripted ${code}`, mayBeWritten }
  return {
    isDelivered: false,
    code,
    message: `scripted ${code}`,
    mayBeWritten,
    attempts: [attempt],
  }
}

/** One request on its way. */
export interface Asked {
  /** Null until there is one. */
  answer: HttpAnswer | null
  /** The client goes away. */
  leave(): void
}

export class Station {
  readonly clock = new HandClock()
  /** What entered the line and was not settled by `settleNext`, oldest first. */
  readonly inside: UserRecord[] = []
  /** The line settles what it is given with this, within `put`. */
  settlesAtOnce: RecordResult | null = null
  /** What every draw gives. */
  chance = 0
  readonly gateway: Gateway
  readonly log = new RecordingLog()

  constructor(
    overrides: Overrides = {},
    spool: ScriptedSpool | null = null,
    peers: Peers | null = null,
  ) {
    const line = {
      put: (record: UserRecord) => {
        if (this.settlesAtOnce === null) this.inside.push(record)
        else record.settle(this.settlesAtOnce)
      },
      describe: () => ({ configuration: { recordTtl: 30_000 } }),
      prometheusText: () => 'headgate_producer_outstanding_bytes 7\n',
    }
    const build = { name: 'headgate', version: '0.0.0', runtime: 'test' }
    const random: Random = { below: () => this.chance, fork: () => random }
    const host = { clock: this.clock, random }
    const config = gatewayConfig(overrides, spool !== null)
    const behind = { line, build, spool: spool?.line ?? null, peers }
    this.gateway = new Gateway(host, config, behind, this.log)
    if (spool !== null) spool.onSettled = (kind) => this.gateway.onSettled(kind)
  }

  post(target: string, body: string | Buffer, headers: Record<string, string> = {}): Asked {
    const bytes = Buffer.from(body)
    const all = {
      'Content-Type': 'application/json',
      'Content-Length': String(bytes.length),
      ...headers,
    }
    return this.ask('POST', target, all, bytes)
  }

  get(target: string): HttpAnswer {
    return this.ask('GET', target, {}, Buffer.alloc(0)).answer!
  }

  ask(method: string, target: string, headers: Record<string, string>, body: Buffer): Asked {
    const begun = this.gateway.begin({ method, target, headers: Object.entries(headers).flat() })
    if ('status' in begun) return { answer: begun, leave() {} }
    if (body.length > begun.maxBodyBytes) return { answer: begun.tooLarge(), leave() {} }
    const refusal = begun.more?.(body.length) ?? null
    if (refusal !== null) return { answer: refusal, leave() {} }
    const asked: Asked = { answer: null, leave: () => begun.abort() }
    begun.end(body, (answer) => {
      if (asked.answer !== null) throw new Error('answered twice')
      asked.answer = answer
    })
    return asked
  }

  /** Posts a record to `s2` with that key. */
  put(key: string, ack = 'accepted'): Asked {
    return this.post('/mappedIngest/s2', `{"foo":{"foopart1":"${key}"}}`, { 'Headgate-Ack': ack })
  }

  settleNext(result: RecordResult = DELIVERED): void {
    this.inside.shift()!.settle(result)
  }

  ledger(): Record<string, number> {
    return JSON.parse(String(this.get('/actuator/kinesis').body))
  }
}

type Overrides = NonNullable<Parameters<typeof readConfig<typeof gatewayFields>>[1]['overrides']>

export function gatewayConfig(overrides: Overrides, hasSpool = false): GatewayConfig {
  const base = hasSpool ? {} : WITHOUT_SPOOL
  return readConfig(gatewayFields, { base, overrides })
}

export function codeOf(answer: HttpAnswer | null): string {
  if (answer === null) return 'no answer yet'
  return JSON.parse(String(answer.body)).code
}

export function headerOfAnswer(answer: HttpAnswer | null, name: string): string | undefined {
  const at = answer?.headers.findIndex((header, i) => i % 2 === 0 && header === name) ?? -1
  return at < 0 ? undefined : answer!.headers[at + 1]
}
