// What is drawn from a seed for a world of the spool alone.

import { readConfig } from '../config/index.ts'
import { type SpoolConfig, spoolFields } from '../spool/index.ts'
import { type DiskFaults, NO_DISK_FAULTS } from './faults.ts'
import type { SimRandom } from './sim-random.ts'

export interface SpoolSettings {
  readonly config: SpoolConfig
  readonly disk: DiskFaults
  /** Bits that turn over between two lives. */
  readonly rotPerLife: number
  /** Places that come to be unreadable between two lives, until the faults stop. */
  readonly badPlacesPerLife: number
  readonly lives: number
  readonly lifeMs: number
  /** Of 1000 lives those that end in order. */
  readonly closePerMille: number
  /** Of 1000 requests those that send dead letters again, where there are any. */
  readonly replayPerMille: number
  readonly laneCount: number
  /** Lanes that send a record only so often. */
  readonly slowLanes: number
  readonly slowMs: number
  readonly failPerMille: number
  /** One of the two streams refuses all for so long, then takes all for so long; null: never. */
  readonly refusesEachMs: number | null
  readonly deadLettersFullPerMille: number
  readonly lanesChangeEachMs: number | null
  readonly transactions: number
  readonly recordsMax: number
  readonly dataMaxBytes: number
  readonly everyMs: number
  /** From then on the line settles nothing more of what it is given, but in the last life. */
  readonly awayAfterMs: number | null
}

const KIB = 1024

export function drawSpoolSettings(random: SimRandom): SpoolSettings {
  const isFaulty = random.below(2) === 0
  const disk: DiskFaults = {
    ...NO_DISK_FAULTS,
    slowPerMille: random.pick([0, 0, 20]),
    ...(isFaulty && {
      errorPerMille: random.pick([0, 5, 40, 200]),
      otherErrorPerMille: random.pick([0, 5, 30, 200]),
      capacityBytes: random.pick([null, null, 60 * KIB, 200 * KIB]),
      failsOnMaxMs: random.pick([0, 0, 0, 5, 1500]),
    }),
  }
  return {
    config: drawConfig(random),
    disk,
    rotPerLife: random.pick([0, 0, 0, 1, 4]),
    badPlacesPerLife: random.pick([0, 0, 0, 0, 1, 3]),
    lives: random.between(1, 4),
    lifeMs: random.pick([3, 30, 300, 3000, 12_000, 12_000]),
    closePerMille: random.pick([0, 0, 500]),
    replayPerMille: random.pick([0, 200]),
    laneCount: random.between(1, 5),
    slowLanes: random.below(3),
    slowMs: random.pick([5, 100]),
    failPerMille: random.pick([0, 20, 300]),
    refusesEachMs: random.fork('refusals').pick([null, null, 20, 2000]),
    deadLettersFullPerMille: random.pick([0, 0, 200]),
    lanesChangeEachMs: random.pick([null, null, 50, 3]),
    transactions: random.between(1, 60),
    recordsMax: random.pick([1, 3, 20]),
    dataMaxBytes: random.pick([20, 500, 6 * KIB]),
    everyMs: random.pick([0, 1, 20, 200, 200]),
    awayAfterMs: random.pick([null, null, null, null, 0, 100, 1000]),
  }
}

function drawConfig(random: SimRandom): SpoolConfig {
  const { spool, receipts, idempotency } = readConfig(spoolFields, { overrides: {} })
  return {
    spool: {
      ...spool,
      maxBytes: random.pick([20 * KIB, 20 * KIB, 100 * KIB, 10 * KIB * KIB]),
      segmentBytes: random.pick([512, 2 * KIB, 2 * KIB, 16 * KIB, 64 * KIB]),
      windowBytes: random.pick([8 * KIB, 64 * KIB, 1024 * KIB]),
      freshSharePercent: random.pick([0, 0, 0, 50]),
      parkedMaxCount: random.pick([1, 5, 10_000]),
      refusedStreamMaxMs: random.fork('patience').pick([0, 1500, spool.refusedStreamMaxMs]),
      damagedMaxBytes: random.pick([KIB, spool.damagedMaxBytes]),
    },
    receipts: {
      retentionMs: random.pick([0, 1500, 3_600_000, 3_600_000]),
      maxBytes: random.pick([KIB, receipts.maxBytes, receipts.maxBytes]),
      replayedMaxCount: random.pick([2, receipts.replayedMaxCount, receipts.replayedMaxCount]),
    },
    idempotency: {
      maxAgeMs: random.pick([1000, idempotency.maxAgeMs, idempotency.maxAgeMs]),
      maxCount: random.pick([3, idempotency.maxCount, idempotency.maxCount]),
    },
  }
}

/** Something of the disk's may go wrong but power loss and bits that turn over. */
export function hasDiskErrors({ disk, badPlacesPerLife }: SpoolSettings): boolean {
  const { errorPerMille, otherErrorPerMille = 0, capacityBytes } = disk
  const isFailing = errorPerMille > 0 || otherErrorPerMille > 0 || capacityBytes !== null
  return isFailing || badPlacesPerLife > 0
}
