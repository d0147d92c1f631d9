// Settings of the embedded Kinesis.

import { type Fields, flag, integer, type Parsed, text } from '../config/index.ts'
import { RETENTION_DEFAULT_HOURS, RETENTION_MAX_HOURS, RETENTION_MIN_HOURS } from '../wire/index.ts'
import { faultsField } from './faults/fault.ts'

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000

export const kinesisFields = {
  limits: flag({
    default: true,
    says: 'Whether shards refuse what is above their rates; sizes are checked in any case.',
  }),
  writeBurstMs: integer({
    default: 1000,
    min: 1,
    max: 300_000,
    unit: 'ms',
    says: 'How much of its write rate an idle shard saves up; AWS documents none.',
  }),
  readBurstMs: integer({
    default: 1000,
    min: 200,
    max: 300_000,
    unit: 'ms',
    says: 'How much of its read rate an idle shard saves up.',
  }),
  retentionHours: integer({
    default: RETENTION_DEFAULT_HOURS,
    min: RETENTION_MIN_HOURS,
    max: RETENTION_MAX_HOURS,
    unit: 'hours',
    says: 'How long new streams keep records, at least; files are dropped whole.',
  }),
  syncBeforeAnswer: flag({
    default: true,
    says: 'Whether a record is on the disk for good before it is answered; false only to experiment.',
  }),
  segmentMaxBytes: integer({
    default: 64 * MIB,
    min: 64 * 1024,
    max: 1024 * MIB,
    unit: 'bytes',
    says: "Size from which a shard's records go on in a new file.",
  }),
  segmentMaxAgeMs: integer({
    default: HOUR_MS,
    min: 1000,
    max: 24 * HOUR_MS,
    unit: 'ms',
    says: "Age from which a shard's records go on in a new file.",
  }),
  creatingMs: integer({
    default: 0,
    min: 0,
    max: 600_000,
    unit: 'ms',
    says: 'How long a new stream is CREATING before it is ACTIVE.',
  }),
  deletingMs: integer({
    default: 0,
    min: 0,
    max: 600_000,
    unit: 'ms',
    says: 'How long a stream is DELETING before it is gone.',
  }),
  updatingMs: integer({
    default: 0,
    min: 0,
    max: 600_000,
    unit: 'ms',
    says: 'How long a stream is UPDATING after its shards were split or merged.',
  }),
  maxStreams: integer({
    default: 500,
    min: 1,
    max: 100_000,
    says: 'Streams at once; one more is a LimitExceededException.',
  }),
  maxShards: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    says: 'Open shards of all streams together; each that is written keeps a file open.',
  }),
  maxBodyBytesInFlight: integer({
    default: 512 * MIB,
    min: 32 * MIB,
    max: 16_384 * MIB,
    unit: 'bytes',
    says: 'Bodies of requests that are not answered yet; beyond it comes a 503.',
  }),
  accountId: text({
    default: '111122223333',
    pattern: /^[0-9]{12}$/,
    allowed: 'twelve digits',
    says: 'The account in ARNs and messages.',
  }),
  region: text({
    default: 'us-east-1',
    pattern: /^[a-z]+-([a-z]+-)?[a-z]+-[0-9]$/,
    allowed: 'an AWS region',
    says: 'The region in ARNs and messages.',
  }),
  faults: faultsField,
  faultSeed: integer({
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    says: 'What the faults are drawn from, so that they can be had again; 0 draws them anew.',
  }),
} satisfies Fields

export type KinesisConfig = Parsed<typeof kinesisFields>
