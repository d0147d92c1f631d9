// The spool's settings.

import { type Fields, integer, type Parsed } from '../config/index.ts'

const MIB = 1024 * 1024

export const spoolFields = {
  spool: {
    maxBytes: integer({
      default: 10 * 1024 * MIB,
      min: MIB,
      max: Number.MAX_SAFE_INTEGER,
      unit: 'bytes',
      says: 'Most that the spool takes on the disk; beyond it new records are refused, 503.',
    }),
    segmentBytes: integer({
      default: 64 * MIB,
      min: 64 * 1024,
      max: 1024 * MIB,
      unit: 'bytes',
      says: 'Size at which a file of the spool is followed by the next one.',
    }),
    windowBytes: integer({
      default: 64 * MIB,
      min: 64 * 1024,
      max: 2 ** 40,
      unit: 'bytes',
      says: 'Bytes that the producer may hold unsettled; what is beyond waits on the disk.',
    }),
    freshSharePercent: integer({
      default: 0,
      min: 0,
      max: 90,
      unit: '%',
      says: 'Part of a shard’s window for new records while old ones of it wait on the disk; 0 keeps the order of arrival.',
    }),
    damagedMaxBytes: integer({
      default: 256 * MIB,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      unit: 'bytes',
      says: 'Most that is kept aside of bytes that could not be read back.',
    }),
    refusedStreamMaxMs: integer({
      default: 86_400_000,
      min: 0,
      max: 30 * 86_400_000,
      unit: 'ms',
      says: 'How long records wait in the spool while their stream refuses all, before they become dead letters; 0: not at all.',
    }),
    parkedMaxCount: integer({
      default: 10_000,
      min: 1,
      max: 1_000_000,
      unit: 'records',
      says: 'Failed records that wait for room among the dead letters, before nothing more is sent.',
    }),
  },
  receipts: {
    retentionMs: integer({
      default: 3_600_000,
      min: 0,
      max: 30 * 86_400_000,
      unit: 'ms',
      says: 'How long a receipt can be asked for after its file of the spool has settled.',
    }),
    maxBytes: integer({
      default: 256 * MIB,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      unit: 'bytes',
      says: 'Most that receipts take on the disk, and at most a quarter of `spool.maxBytes`; the oldest go first.',
    }),
    replayedMaxCount: integer({
      default: 100_000,
      min: 0,
      max: 10_000_000,
      unit: 'receipts',
      says: 'Replayed dead letters whose receipt is followed to its new fate.',
    }),
  },
  idempotency: {
    maxAgeMs: integer({
      default: 600_000,
      min: 0,
      max: 86_400_000,
      unit: 'ms',
      says: 'How long an idempotency key is remembered.',
    }),
    maxCount: integer({
      default: 100_000,
      min: 0,
      max: 10_000_000,
      unit: 'keys',
      says: 'Idempotency keys remembered; the oldest go first.',
    }),
  },
} satisfies Fields

export type SpoolConfig = Parsed<typeof spoolFields>
