// What a seed decides about a world in which the line runs. All of it is known before anything
// happens, and printed when something breaks.

import type { DeadLettersConfig } from '../dead-letters/index.ts'
import type { Ack, GatewayConfig } from '../gateway/index.ts'
import type { KinesisConfig } from '../kinesis/index.ts'
import type { ProducerConfig } from '../producer/index.ts'
import type { SpoolConfig } from '../spool/index.ts'
import type { DiskFaults, NetworkFaults, ServiceFaults } from './faults.ts'
import type { ReshardKind } from './stream-operator.ts'

export const KINESIS_ORIGIN = 'http://kinesis'
/** A drawn world can fill dead letters of so many. */
export const FEW_LETTERS = 30

export interface LineSettings {
  /** How long records are put, and faults happen. */
  readonly loadMs: number
  readonly streams: readonly StreamSettings[]
  readonly kinesis: KinesisConfig
  /** Machines that run a line of their own; they know nothing of each other. */
  readonly nodes: readonly NodeSettings[]
  /** Between the producers and Kinesis. */
  readonly kinesisLatencyMs: number
  readonly kinesisBytesPerSecond: number | null
  readonly kinesisFaults: NetworkFaults
  readonly serviceFaults: ServiceFaults
  readonly diskFaults: DiskFaults
  readonly mishaps: readonly Mishap[]
}

export interface StreamSettings {
  readonly name: string
  readonly shardCount: number
  /** Of a record with its key. */
  readonly maxRecordSizeKiB: number
}

/** A machine with a line: a gateway with its clients, a program that uses the library, or both. */
export interface NodeSettings {
  readonly name: string
  readonly producer: ProducerConfig
  readonly gateway: GatewayConfig
  /** Null for a line that sends on at once what it takes. */
  readonly spool: SpoolConfig | null
  readonly deadLetters: DeadLettersConfig
  readonly diskFaults: DiskFaults
  /** Programs that put records straight into the producer. */
  readonly sources: readonly SourceSettings[]
  /** Programs elsewhere that send requests to the gateway. */
  readonly clients: readonly ClientSettings[]
  /** Records outstanding in the producer at which the sources wait. */
  readonly maxOutstandingCount: number
  /** Between the clients and the gateway. */
  readonly gatewayFaults: NetworkFaults
  /** How long its credentials are good for; null for ever. */
  readonly credentialsLifeMs: number | null
  /** When the load ends, the line is told to close within so many ms; null lets it finish first. */
  readonly closesWithinMs: number | null
}

/** What happens to a machine once, at an instant of the load. */
export type Mishap =
  | {
      readonly kind: 'kinesis crashes'
      readonly atMs: number
      readonly isPowerLost: boolean
      readonly downMs: number
    }
  | {
      readonly kind: 'a stream is resharded'
      readonly atMs: number
      readonly stream: string
      readonly how: ReshardKind
    }
  | {
      readonly kind: 'a stream is made anew'
      readonly atMs: number
      readonly stream: StreamSettings
    }
  | {
      readonly kind: 'a node crashes'
      readonly atMs: number
      readonly node: number
      readonly isPowerLost: boolean
      readonly downMs: number
    }
  | {
      readonly kind: 'a wall clock jumps'
      readonly atMs: number
      /** Null for the one of Kinesis. */
      readonly node: number | null
      readonly byMs: number
    }

export type KeyKind = 'one' | 'few' | 'digits' | 'long' | 'any'

export interface SourceSettings {
  readonly stream: string
  /** Between two records of the source, at most; the mean is half of it. */
  readonly pauseMaxMs: number
  /** How many records follow each other without a pause. */
  readonly burstCount: number
  /** After so many it falls silent: worlds stay small. */
  readonly maxRecordCount: number
  readonly dataMaxBytes: number
  readonly keys: KeyKind
  /** Chances in 1000 that a record has an explicit hash key. */
  readonly explicitHashKeyPerMille: number
  /** Chances in 1000 that a burst is followed by a flush. */
  readonly flushPerMille: number
}

export interface ClientSettings extends SourceSettings {
  readonly door: 'writeToStream' | 'mappedIngest'
  /** Asked for in the request; null asks for nothing. */
  readonly ack: Ack | null
  /** How long the client waits for an answer. */
  readonly timeoutMs: number
  /** Where the gateway's mappings find the ids of records; null where they have none. */
  readonly recordIds: 'header' | 'body' | null
  /**
   * How often it sends a record until it knows that it is safe; above 1 with a key, where the
   * record has no id.
   */
  readonly tryCount: number
}

/** Where the gateway of a node is. */
export function gatewayOriginOf(node: string): string {
  return `http://${node}`
}
