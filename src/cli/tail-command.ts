import { connect } from './connect.ts'
import { EXIT, ExitError } from './exit.ts'
import { ServiceError } from './service.ts'
import { isServiceConfigured, readSettings } from './settings.ts'
import { type TailStart, tail } from './tail.ts'

export interface TailFlags {
  readonly stream: string
  readonly endpoint?: string
  readonly region?: string
  readonly from: TailStart
  readonly count?: number
}

/** Reads until enough, or until a signal. Throws `ExitError` when the service says no. */
export async function runTail(flags: TailFlags): Promise<void> {
  const { stream, endpoint, region, from, count } = flags
  const settings = readSettings(null, process.env, { producer: { region, endpoint } })
  const isLocal = !isServiceConfigured(settings) || isLoopback(settings.producer.endpoint)
  const local = `http://127.0.0.1:${settings.kinesis.port}`
  const producer =
    settings.producer.endpoint === '' && isLocal
      ? { ...settings.producer, endpoint: local }
      : settings.producer
  const connection = connect(producer, isLocal)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  const out = {
    print: (line: string) => process.stdout.write(`${line}\n`),
    signal: stop.signal,
  }
  try {
    await tail(connection.service, { stream, from, count: count ?? null }, out)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    throw new ExitError(EXIT.failed, explain(error, connection.endpoint))
  } finally {
    connection.close()
  }
}

/** Whoever answers there wants no real keys. */
export function isLoopback(endpoint: string): boolean {
  return /^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|$)/.test(endpoint)
}

function explain({ code, message }: ServiceError, endpoint: string): string {
  if (code === 'ConnectFailed') {
    return `No Kinesis answers at ${endpoint} (${message}). Is "headgate serve" running? Another one is named with --endpoint.`
  }
  return `${endpoint} says ${code}: ${message}`
}
