// Metrics to what CloudWatch takes, in requests of the KPL's sizes.

import type { Metric, MetricUnit } from '../producer/index.ts'

export interface Datum {
  readonly name: string
  readonly unit: MetricUnit
  readonly dimensions: readonly { readonly name: string; readonly value: string }[]
  readonly atWallMs: number
  readonly sampleCount: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** Of one request, as the KPL bounds it. CloudWatch itself takes more by now. */
export const BATCH_MAX_COUNT = 20
export const BATCH_MAX_BYTES = 38_912
/** How much longer a datum is in CloudWatch's JSON, which has longer names, than in ours. */
const LONGER_NAMES_BYTES = 100

/** Those that have values, in the KPL's order: few dimensions first, then by their text. */
export function dataOf(metrics: readonly Metric[], atWallMs: number): Datum[] {
  const data = metrics.flatMap(({ name, unit, dimensions, sampleCount, sum, min, max }) => {
    if (min === null || max === null) return []
    // CloudWatch refuses a dimension without a value.
    const named = [...dimensions].filter(([, value]) => value !== '')
    const pairs = named.map(([key, value]) => ({ name: key, value }))
    return [{ name, unit, dimensions: pairs, atWallMs, sampleCount, sum, min, max }]
  })
  const keys = new Map(data.map((datum) => [datum, JSON.stringify([datum.name, datum.dimensions])]))
  return data.sort((a, b) => {
    const byCount = a.dimensions.length - b.dimensions.length
    return byCount !== 0 ? byCount : keys.get(a)! < keys.get(b)! ? -1 : 1
  })
}

export function inBatches(data: readonly Datum[]): Datum[][] {
  const batches: Datum[][] = []
  let batch: Datum[] = []
  let bytes = 0
  for (const datum of data) {
    const datumBytes = Buffer.byteLength(JSON.stringify(datum)) + LONGER_NAMES_BYTES
    if (batch.length === BATCH_MAX_COUNT || bytes + datumBytes > BATCH_MAX_BYTES) {
      if (batch.length > 0) batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(datum)
    bytes += datumBytes
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
