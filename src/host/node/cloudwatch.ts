// CloudWatch through the official client, which is loaded only here and only when it is wanted: it
// is an optional peer dependency.

import type { AwsKeys } from './aws-credentials.ts'
import { agentsTo, type NodeNetworkOptions, withDefaults } from './node-network.ts'

export interface CloudWatchOptions {
  readonly region: string
  /** Another CloudWatch than the region's: scheme, host and port. */
  readonly endpoint?: string
  readonly credentials: () => Promise<AwsKeys>
  /** How connections are made. */
  readonly network: NodeNetworkOptions
  /** Of each try. */
  readonly requestTimeoutMs: number
}

interface Datum {
  readonly name: string
  readonly unit: 'Count' | 'Bytes' | 'Milliseconds'
  readonly dimensions: readonly { readonly name: string; readonly value: string }[]
  readonly atWallMs: number
  readonly sampleCount: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** The first and two more, as the KPL has it. */
const TRIES_COUNT = 3

/** Rejects when the package is not installed. */
export async function cloudWatch(options: CloudWatchOptions) {
  const { region, endpoint, credentials, network, requestTimeoutMs } = options
  const { CloudWatchClient, PutMetricDataCommand } = await import('@aws-sdk/client-cloudwatch')
  // Which proxy it is can depend on the host, and the client knows those of all regions.
  const origin =
    endpoint === undefined
      ? new CloudWatchClient({ region }).config.endpointProvider({ Region: region }).url
      : new URL(endpoint)
  const agents = agentsTo(origin, network)
  const client = new CloudWatchClient({
    region,
    maxAttempts: TRIES_COUNT,
    requestHandler: {
      httpAgent: agents.http,
      httpsAgent: agents.https,
      connectionTimeout: withDefaults(network).connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    credentials: () => identityOf(credentials),
  })
  return {
    /** Rejects with the client's error when it could not be put. */
    async put(namespace: string, data: readonly Datum[]): Promise<void> {
      const MetricData = data.map(({ name, unit, dimensions, atWallMs, ...values }) => ({
        MetricName: name,
        Unit: unit,
        Dimensions: dimensions.map((dimension) => ({
          Name: dimension.name,
          Value: dimension.value,
        })),
        Timestamp: new Date(atWallMs),
        StatisticValues: {
          SampleCount: values.sampleCount,
          Sum: values.sum,
          Minimum: values.min,
          Maximum: values.max,
        },
      }))
      await client.send(new PutMetricDataCommand({ Namespace: namespace, MetricData }))
    },
    close(): void {
      client.destroy()
      agents.close()
    },
  }
}

async function identityOf(credentials: () => Promise<AwsKeys>) {
  const { expiresAtMs, ...keys } = await credentials()
  return { ...keys, ...(expiresAtMs === undefined ? {} : { expiration: new Date(expiresAtMs) }) }
}
