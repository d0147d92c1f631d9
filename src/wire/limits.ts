// What the service allows: Kinesis Data Streams service quotas and API reference, as of autumn
// 2026. Counts, bytes and rates; where the documents write MB and mean MiB we take MiB.

import { PARTITION_KEY_MAX_CHARACTERS } from '../record/index.ts'

export { PARTITION_KEY_MAX_CHARACTERS, STREAM_NAME_PATTERN } from '../record/index.ts'

/** A binary mebibyte. */
const MIB = 1024 * 1024

/** Entries in one PutRecords request, at least 1. API reference, PutRecords. */
export const PUT_RECORDS_MAX_COUNT = 500
/** Data and partition keys of one request. API reference, PutRecords (5 MiB until 2025). */
export const PUT_RECORDS_MAX_BYTES = 10 * MIB

/** As `PARTITION_KEY_MAX_CHARACTERS`: Unicode characters. API reference, PutRecord. */
export const PARTITION_KEY_MIN_CHARACTERS = 1
/** The most that 256 characters need in UTF-8. */
export const PARTITION_KEY_MAX_BYTES = 4 * PARTITION_KEY_MAX_CHARACTERS
/** Decimal without leading zeros, 0..2^128-1. API reference, PutRecord. */
export const EXPLICIT_HASH_KEY_PATTERN = /^(?:0|[1-9][0-9]{0,38})$/

/** Data before base64 plus partition key, unless the stream says otherwise. Quotas page. */
export const RECORD_DEFAULT_MAX_BYTES = MIB
/** What UpdateMaxRecordSize may set: 1 024 to 10 240 KiB. API reference, UpdateMaxRecordSize. */
export const RECORD_MAX_BYTES = 10 * MIB

/** What one shard takes. Quotas page. */
export const SHARD_WRITE_BYTES_PER_SECOND = MIB
export const SHARD_WRITE_RECORDS_PER_SECOND = 1000

/** What one shard gives to all consumers without enhanced fan-out. Quotas page. */
export const SHARD_READ_BYTES_PER_SECOND = 2 * MIB
export const SHARD_READ_CALLS_PER_SECOND = 5
/** One answer. A call that returned 10 MiB costs the next 5 s. API reference, GetRecords. */
export const GET_RECORDS_MAX_COUNT = 10_000
export const GET_RECORDS_MAX_BYTES = 10 * MIB
/** A shard iterator is good for five minutes. API reference, GetShardIterator. */
export const SHARD_ITERATOR_LIFE_MS = 300_000
/** Characters of a shard iterator. API reference, GetRecords. */
export const SHARD_ITERATOR_MAX_CHARACTERS = 512

/** Calls a second and stream; shards a page by default and at most. API reference, ListShards. */
export const LIST_SHARDS_CALLS_PER_SECOND = 1000
export const LIST_SHARDS_DEFAULT_COUNT = 1000
export const LIST_SHARDS_MAX_COUNT = 10_000
/** A NextToken is good for five minutes. API reference, ListShards. */
export const LIST_SHARDS_TOKEN_LIFE_MS = 300_000
export const NEXT_TOKEN_MAX_CHARACTERS = 1_048_576

/** Shards a page of DescribeStream, streams a page of ListStreams: by default and at most. */
export const DESCRIBE_STREAM_DEFAULT_COUNT = 100
export const DESCRIBE_STREAM_MAX_COUNT = 10_000
export const LIST_STREAMS_DEFAULT_COUNT = 100
export const LIST_STREAMS_MAX_COUNT = 10_000

/** Calls a second and account. API reference of each action. */
export const DESCRIBE_STREAM_CALLS_PER_SECOND = 10
export const DESCRIBE_STREAM_SUMMARY_CALLS_PER_SECOND = 20

/** Names. API reference, CreateStream and GetShardIterator. */
export const STREAM_NAME_MAX_CHARACTERS = 128
export const SHARD_ID_MAX_CHARACTERS = 128
export const SHARD_ID_PATTERN = /^[a-zA-Z0-9_.-]{1,128}$/

/** How long a stream keeps its records, in hours: when nothing is said, at least, at most. */
export const RETENTION_DEFAULT_HOURS = 24
export const RETENTION_MIN_HOURS = 24
export const RETENTION_MAX_HOURS = 8760
