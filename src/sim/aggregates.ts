// What is in a Kinesis record, as a consumer sees it.

import { deaggregateRecord, isAggregated } from '../wire/index.ts'

export interface Member {
  readonly partitionKey: string
  readonly data: Buffer
  readonly subSequenceNumber: number | null
}

export function membersOf(partitionKey: string, data: Buffer): readonly Member[] {
  // Asked first, because what is thrown for a plain record costs more than all the rest.
  if (!isAggregated(data)) return [{ partitionKey, data, subSequenceNumber: null }]
  return deaggregateRecord({ partitionKey, data })
}
