/** What can be asked of it, by the service's names. */
export const ACTIONS = [
  'CreateStream',
  'DeleteStream',
  'DescribeStream',
  'DescribeStreamSummary',
  'GetRecords',
  'GetShardIterator',
  'ListShards',
  'ListStreams',
  'MergeShards',
  'PutRecord',
  'PutRecords',
  'SplitShard',
  'UpdateShardCount',
] as const

export type Action = (typeof ACTIONS)[number]
