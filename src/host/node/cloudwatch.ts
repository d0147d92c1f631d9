// CloudWatch through the official client, which is loaded only here and only when it is wanted: it
// is an optional peer dependency.

import type { AwsKeys } from './aws-credentials.ts'

export interface CloudWatchOptions {
  readonly region: string
  /** Another CloudWatch than the region's: scheme, host and port. */
  readonly endpoint?: string
  /** Where keys come from; the AWS SDK's own chain unless told otherwise. */
  readonly credentials?: () => Promise<AwsKeys>
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
export async function cloudWatch({ region, endpoint, credentials }: CloudWatchOptions) {
  const { CloudWatchClient, PutMetricDataCommand } = await import('@aws-sdk/client-cloudwatch')
  const client = new CloudWatchClient({
    region,
    maxAttempts: TRIES_COUNT,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials: () => identityOf(credentials) }),
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
    },
  }
}

async function identityOf(credentials: () => Promise<AwsKeys>) {
  const { expiresAtMs, ...keys } = await credentials()
  return { ...keys, ...(expiresAtMs === undefined ? {} : { expiration: new Date(expiresAtMs) }) }
}
