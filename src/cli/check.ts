// headgate check: is the configuration whole, are the streams there, may we write to them?

import { type Service, ServiceError } from './service.ts'

export interface StreamFinding {
  readonly stream: string
  readonly isGood: boolean
  /** What was found, or the service's error name and words. */
  readonly finding: string
}

/**
 * Whether the service knows dry runs. Only AWS is taken to: a stand-in that overlooked the flag
 * would store the record that we try with.
 */
export function knowsDryRun(endpoint: string): boolean {
  return /\.amazonaws\.com(\.cn)?(:\d+)?$/.test(endpoint)
}

/** Looks at one stream: that it is active, and with `isDryRun` that PutRecords is permitted. */
export async function checkStream(
  service: Service,
  stream: string,
  isDryRun: boolean,
): Promise<StreamFinding> {
  try {
    const answer = await service.call('DescribeStreamSummary', { StreamName: stream })
    const summary = answer['StreamDescriptionSummary'] as Record<string, unknown>
    const status = String(summary['StreamStatus'])
    const shards = `${status}, ${summary['OpenShardCount']} open shards`
    const isActive = status === 'ACTIVE' || status === 'UPDATING'
    if (!isActive || !isDryRun) return { stream, isGood: isActive, finding: shards }
    const denial = await denialOf(service, stream)
    if (denial !== null) return { stream, isGood: false, finding: denial }
    return { stream, isGood: true, finding: `${shards}, PutRecords permitted` }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    return { stream, isGood: false, finding: `${error.code}: ${error.message}` }
  }
}

/**
 * Why PutRecords would be refused, or null. A dry run that would have succeeded is an error, too.
 */
async function denialOf(service: Service, stream: string): Promise<string | null> {
  const Records = [{ Data: Buffer.from('headgate check'), PartitionKey: 'headgate-check' }]
  try {
    await service.call('PutRecords', { StreamName: stream, Records, DryRun: true })
    return 'the service took no notice of the dry run; one record was stored'
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    if (error.code === 'DryRunOperationException') return null
    return `PutRecords: ${error.code}: ${error.message}`
  }
}
