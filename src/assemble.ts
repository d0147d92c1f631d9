// Joins the rooms: the one place where the line is put together. The program, the simulation and
// the lab all call it, so the line under test is the line in production.

import { type Build, Gateway, type GatewayConfig } from './gateway/index.ts'
import type { Host, Log } from './host/index.ts'
import { type CredentialsProvider, Producer, type ProducerConfig } from './producer/index.ts'

export interface LineConfig {
  readonly gateway: GatewayConfig
  readonly producer: ProducerConfig
  /** What is running, for `/actuator/info`. */
  readonly build: Build
}

export interface Line {
  /** What answers HTTP. */
  readonly gateway: Gateway
  readonly producer: Producer
  /**
   * Unready first, then finishes what was admitted, at most until the deadline. Resolves with the
   * number of records that were left, which have failed with the code `Closed`.
   */
  close(deadlineMs: number): Promise<number>
}

/** The line from HTTP to Kinesis on the given host. */
export function assembleLine(
  host: Host,
  config: LineConfig,
  credentials: CredentialsProvider,
  log: Log,
): Line {
  const producer = new Producer(host, config.producer, credentials, log)
  const gateway = new Gateway(host, config.gateway, producer, config.build, log)
  const close = async (deadlineMs: number) => {
    const isDrained = gateway.drain(deadlineMs)
    // Not after the drain: what waits in a buffer for company would be waited for in vain.
    const left = await producer.close(deadlineMs)
    await isDrained
    gateway.close()
    return left
  }
  return { gateway, producer, close }
}
