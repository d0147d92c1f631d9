// With what a producer reaches its service: for the package's other doors, and for nobody else.

import type { Connections } from '../host/node/index.ts'
import type { CredentialsProvider } from '../producer/index.ts'

export interface Reach {
  /** Where it has its keys from. */
  readonly credentials: CredentialsProvider
  /** How it makes its connections. */
  readonly connections: Connections
}

const reaches = new WeakMap<object, Reach>()

export function keepReach(producer: object, reach: Reach): void {
  reaches.set(producer, reach)
}

/** Undefined for what is no producer of this package. */
export function reachOf(producer: object): Reach | undefined {
  return reaches.get(producer)
}
