// The producer on a hand-driven clock and a scripted service.

import { type Host, type Log, type Random, silentLog } from '../../src/host/index.ts'
import {
  type CredentialsProvider,
  Producer,
  type ProducerConfig,
} from '../../src/producer/index.ts'
import { type RecordResult, UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'
import { producerConfig } from './producer-config.ts'
import { ScriptedService, type Shard } from './scripted-service.ts'

export interface Line {
  readonly clock: HandClock
  readonly service: ScriptedService
  readonly producer: Producer
  /** In order of settlement. */
  readonly results: RecordResult[]
  put(partitionKey: string, data: string, stream?: string): void
  /** Moves the clock from task to task and lets promises settle between them. */
  runFor(ms: number): Promise<void>
}

/** What its attempts ended with; null for the one that was taken. */
export function codesOf(result: RecordResult | undefined): (string | null)[] {
  return result?.attempts.map(({ code }) => code) ?? []
}

export const middling: Random = { below: (bound) => Math.floor(bound / 2), fork: () => middling }

export interface LineOptions {
  readonly settings?: Partial<ProducerConfig>
  readonly shards?: Shard[]
  readonly credentials?: CredentialsProvider
  /** Always the middle unless told otherwise. */
  readonly random?: Random
  readonly log?: Log
}

export function line(options: LineOptions): Line {
  const clock = new HandClock()
  const service = new ScriptedService(clock)
  if (options.shards !== undefined) service.shards = options.shards
  const random = options.random ?? middling
  const host = { clock, random, network: service } as unknown as Host
  const config = producerConfig({ wireFormat: 'json', ...options.settings })
  const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
  const credentials = options.credentials ?? (() => Promise.resolve(keys))
  const producer = new Producer(host, config, credentials, options.log ?? silentLog)
  const results: RecordResult[] = []
  return {
    clock,
    service,
    producer,
    results,
    put: (partitionKey, data, stream = 's') =>
      producer.put(
        new UserRecord({
          stream,
          partitionKey,
          data: Buffer.from(data),
          onSettle: (result) => results.push(result),
        }),
      ),
    runFor: (ms) => runFor(clock, ms),
  }
}

/** Moves a clock from task to task and lets promises settle between them. */
export async function runFor(clock: HandClock, ms: number): Promise<void> {
  const untilMs = clock.monotonicMs() + ms
  while (clock.monotonicMs() < untilMs) {
    await new Promise(setImmediate)
    clock.advanceTo(Math.min(untilMs, clock.nextAtMs()))
  }
  await new Promise(setImmediate)
}
