// headgate/cloudwatch: uploads a producer's metrics to CloudWatch, as the KPL does. Needs the
// package @aws-sdk/client-cloudwatch beside this one.

import { Uploader } from '../cloudwatch/index.ts'
import { type Log, silentLog } from '../host/index.ts'
import { cloudWatch, NodeClock } from '../host/node/index.ts'
import { apart } from './apart.ts'
import { checkObject, checkTextIfSaid } from './check.ts'
import { type CredentialsOption, credentialsOf } from './credentials.ts'
import { deadlineOf } from './deadline.ts'
import type { KinesisProducer } from './producer.ts'
import { reachOf } from './reach.ts'

export interface MetricsUploadOptions {
  /** The producer's own region unless told otherwise. */
  readonly region?: string
  /** Another CloudWatch: scheme, host and port; else the producer's `cloudwatchEndpoint`. */
  readonly endpoint?: string
  /** Keys, or where they come from; the producer's own unless told otherwise, as in the KPL. */
  readonly credentials?: CredentialsOption | undefined
  /** Where warnings go; nowhere unless told otherwise. */
  readonly log?: Log
}

export interface MetricsUpload {
  /** Data that were taken from the producer and did not arrive yet. */
  readonly waitingCount: number
  /**
   * Uploads what is left, after the producer was closed; resolves with the number of data that did
   * not arrive in time.
   */
  close(options: { deadlineMs: number }): Promise<number>
}

/**
 * Starts to upload the producer's metrics, every `metricsUploadDelay`, to `metricsNamespace`, as
 * far as `metricsLevel` and `metricsGranularity` let them through. Once for each producer, over
 * connections as the producer makes them: proxy, certificates, timeouts.
 *
 *     const upload = await uploadMetrics(producer, { log })
 *     await producer.close({ deadlineMs: 10_000 })
 *     await upload.close({ deadlineMs: 5000 })
 *
 * An upload whose answer is lost is sent again: CloudWatch may then have counted it twice. Rejects
 * when the package `@aws-sdk/client-cloudwatch` cannot be loaded, and with `TypeError` without a
 * region or for what is no producer or no option.
 */
export async function uploadMetrics(
  producer: KinesisProducer,
  options: MetricsUploadOptions = {},
): Promise<MetricsUpload> {
  const reach = reachOf(producer)
  if (reach === undefined) throw new TypeError('uploadMetrics: a KinesisProducer is needed')
  checkObject('uploadMetrics: options', options)
  checkTextIfSaid('uploadMetrics: region', options.region)
  checkTextIfSaid('uploadMetrics: endpoint', options.endpoint)
  const { configuration } = producer.describe()
  const region = options.region ?? configuration.region
  if (region === '') throw new TypeError('uploadMetrics needs a region.')
  const { cloudwatchEndpoint: host, cloudwatchPort } = configuration
  const endpoint =
    options.endpoint ?? (host === '' ? undefined : `https://${host}:${cloudwatchPort}`)
  const { credentials, log: given = silentLog } = options
  const log = apart(given)
  // Who forgets to close must not hang for it.
  const clock = new NodeClock({ keepsProcessAlive: false })
  const sink = await cloudWatch({
    region,
    network: { ...reach.connections, clock },
    requestTimeoutMs: configuration.requestTimeout,
    ...(endpoint === undefined ? {} : { endpoint }),
    credentials: credentials === undefined ? reach.credentials : credentialsOf(credentials),
  })
  const config = {
    namespace: configuration.metricsNamespace,
    everyMs: configuration.metricsUploadDelay,
  }
  const uploader = new Uploader(clock, producer, config, { sink, log })
  return {
    get waitingCount() {
      return uploader.waitingCount
    },
    async close(options) {
      const leftCount = await uploader.close(deadlineOf(options))
      sink.close()
      return leftCount
    },
  }
}
