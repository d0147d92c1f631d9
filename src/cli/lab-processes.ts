// The processes of a live experiment: a Kinesis, a gateway in front of it, and what they say.

import assert from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { type Experiment, mappingsOf, STREAM, WORLD_COSTS } from '../lab/index.ts'
import { endWithUs } from './end-with-us.ts'
import { EXIT, ExitError } from './exit.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/headgate.js', import.meta.url))
/** Any will do for the embedded Kinesis. */
const KEYS = { AWS_ACCESS_KEY_ID: 'lab', AWS_SECRET_ACCESS_KEY: 'lab' }

export interface LiveGateway {
  readonly url: string
  close(): Promise<void>
}

/** Starts both. `onLog` gets the lines of the gateway's log, which are JSON. */
export async function startGateway(
  experiment: Experiment,
  onLog: (line: string) => void,
): Promise<LiveGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-live-'))
  const started: Started[] = []
  const close = async () => {
    for (const one of started.reverse()) await one.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const kinesisConfig = configFile(folder, 'kinesis', {
      kinesis: {
        streams: [{ name: STREAM, shards: experiment.world.shards }],
        writeBurstMs: WORLD_COSTS.writeBurstMs,
      },
    })
    const kinesisArgs = ['kinesis', '--config', kinesisConfig, '--port', '0']
    const kinesis = await startProgram(folder, kinesisArgs, () => {})
    started.push(kinesis)
    const { mappings: _, ...gateway } = experiment.gateway
    const gatewayConfig = configFile(folder, 'gateway', {
      ...gateway,
      mappings: mappingsOf(experiment),
      spool: experiment.spool,
      producer: { ...experiment.producer, endpoint: kinesis.fact('endpoint') },
    })
    const gatewayArgs = ['serve', '--config', gatewayConfig, '--port', '0']
    const served = await startProgram(folder, gatewayArgs, onLog)
    started.push(served)
    return { url: served.fact('gateway'), close }
  } catch (error) {
    await close()
    throw error
  }
}

function configFile(folder: string, name: string, config: object): string {
  const path = join(folder, `${name}.yaml`)
  writeFileSync(path, stringify(config))
  return path
}

interface Started {
  /** What it has said of itself. */
  fact(name: string): string
  stop(): Promise<void>
}

async function startProgram(
  folder: string,
  args: readonly string[],
  onLog: (line: string) => void,
): Promise<Started> {
  const [command = ''] = args
  const all = [PROGRAM, ...args, '--data', join(folder, command), '--json']
  // Ctrl-C reaches every process of a terminal: these end when they are told to.
  const child = spawn(process.execPath, all, {
    env: { ...process.env, ...KEYS },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  endWithUs(child)
  const said: string[] = []
  createInterface({ input: child.stderr! }).on('line', (line) => {
    if (said.length < SAID_MAX_COUNT) said.push(line)
    onLog(line)
  })
  const first = await firstLine(child)
  if (first === null) {
    throw new ExitError(EXIT.failed, `headgate ${command} did not start:\n${said.join('\n')}`)
  }
  const facts: Readonly<Record<string, unknown>> = JSON.parse(first)
  const fact = (name: string) => {
    const value = facts[name]
    assert(typeof value === 'string', `headgate ${command} did not say its ${name}`)
    return value
  }
  return { fact, stop: () => stopped(child) }
}

/** Lines kept to say why a program did not start. */
const SAID_MAX_COUNT = 20

/** Null when the program ended without one. */
function firstLine(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    createInterface({ input: child.stdout! }).once('line', resolve)
    child.once('close', () => resolve(null))
  })
}

function stopped(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('close', () => resolve())
    child.kill('SIGTERM')
  })
}
