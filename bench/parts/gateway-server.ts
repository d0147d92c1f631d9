// The gateway as `headgate serve` starts it, with a Kinesis in another process behind it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '../../src/cli/serve.ts'
import { settingsFields } from '../../src/cli/settings.ts'
import { readConfig } from '../../src/config/index.ts'
import type { Ack, Mapping } from '../../src/gateway/index.ts'
import { silentLog } from '../../src/host/index.ts'
import { answerCalls } from '../child.ts'

/** What `GET /actuator/kinesis` says, of which the benchmark needs these. */
export interface Ledger {
  readonly attempts: number
  readonly successes: number
  readonly failures: number
  readonly exhausted: number
  readonly outstanding: number
}

const data = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))

let gateway = ''

interface Start {
  readonly kinesisPort: number
  readonly ack?: Ack
  readonly hasSpool?: boolean
  readonly mappings?: Mapping[]
}

async function start({
  kinesisPort,
  ack = 'accepted',
  hasSpool = true,
  mappings,
}: Start): Promise<number> {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'
  const settings = readConfig(settingsFields, {
    overrides: {
      port: 0,
      data,
      ack: { default: ack },
      spool: { enabled: hasSpool },
      admin: { port: 0 },
      ...(mappings === undefined ? {} : { mappings }),
      // The rate limit is far beyond what a core can do: the line is measured, not the shards.
      producer: { endpoint: `http://127.0.0.1:${kinesisPort}`, rateLimit: 1_000_000 },
    },
  })
  const { facts } = await serve(settings, false, silentLog)
  gateway = facts.gateway
  return Number(new URL(gateway).port)
}

async function ledger(): Promise<Ledger> {
  return (await (await fetch(`${gateway}/actuator/kinesis`)).json()) as Ledger
}

answerCalls({ start, ledger })
