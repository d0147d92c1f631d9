// The KPL's metrics: names, units and levels, so that its users find what they know.

export type MetricUnit = 'Count' | 'Bytes' | 'Milliseconds'
export type MetricLevel = 'summary' | 'detailed'
export type MetricGranularity = 'global' | 'stream' | 'shard'

interface Description {
  readonly unit: MetricUnit
  readonly level: MetricLevel
  /** One sentence, for the Prometheus text. */
  readonly says: string
}

const METRICS = {
  UserRecordsReceived: {
    unit: 'Count',
    level: 'detailed',
    says: 'User records taken over.',
  },
  UserRecordsPending: {
    unit: 'Count',
    level: 'detailed',
    says: 'User records outstanding, sampled five times a second.',
  },
  UserRecordsPut: {
    unit: 'Count',
    level: 'summary',
    says: 'User records settled: 1 for each delivered, 0 for each failed.',
  },
  UserRecordsDataPut: {
    unit: 'Bytes',
    level: 'detailed',
    says: 'Data of delivered user records.',
  },
  KinesisRecordsPut: {
    unit: 'Count',
    level: 'summary',
    says: 'Kinesis records in answered requests: 1 for each stored, 0 for each refused.',
  },
  KinesisRecordsDataPut: {
    unit: 'Bytes',
    level: 'detailed',
    says: 'Data of stored Kinesis records.',
  },
  ErrorsByCode: {
    unit: 'Count',
    level: 'summary',
    says: 'Refused Kinesis records and failed requests, by error code.',
  },
  AllErrors: {
    unit: 'Count',
    level: 'summary',
    says: 'Kinesis records: 0 for each stored, 1 for each refused; and 1 for each failed request.',
  },
  RetriesPerRecord: {
    unit: 'Count',
    level: 'detailed',
    says: 'Attempts after the first, of each settled user record.',
  },
  UserRecordExpired: {
    unit: 'Count',
    level: 'summary',
    says: 'User records that were given up at their expiration.',
  },
  BufferingTime: {
    unit: 'Milliseconds',
    level: 'summary',
    says: 'Wait of a user record before each of its attempts.',
  },
  RequestTime: {
    unit: 'Milliseconds',
    level: 'detailed',
    says: 'Duration of each PutRecords request.',
  },
  UserRecordsPerKinesisRecord: {
    unit: 'Count',
    level: 'detailed',
    says: 'User records in each Kinesis record that was sent.',
  },
  KinesisRecordsPerPutRecordsRequest: {
    unit: 'Count',
    level: 'detailed',
    says: 'Kinesis records in each PutRecords request.',
  },
  UserRecordsPerPutRecordsRequest: {
    unit: 'Count',
    level: 'detailed',
    says: 'User records in each PutRecords request.',
  },
} satisfies Record<string, Description>

export type MetricName = keyof typeof METRICS

export const METRIC_NAMES = Object.keys(METRICS) as MetricName[]

export function descriptionOf(name: MetricName): Description {
  return METRICS[name]
}
