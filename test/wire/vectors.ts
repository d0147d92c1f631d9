// The vectors from outside (test/vectors/README.md) and the records that they were made of.

import { readFileSync } from 'node:fs'
import { hashKeyFromDecimal } from '../../src/record/index.ts'
import type { Aggregatable } from '../../src/wire/index.ts'

type Text = string | { text: string; times: number } | { numbered: string }

interface Shape {
  readonly name: string
  readonly times?: number
  readonly records: readonly { key: Text; hashKey?: Text; data: Text | { hex: string } }[]
}

export interface AggregateVector {
  readonly name: string
  readonly records: readonly Aggregatable[]
  readonly aggregate: Buffer
}

/** The vectors of one of the files `aggregation-….json`. */
export function aggregateVectors(
  file: 'aggregation-npm' | 'aggregation-python',
): AggregateVector[] {
  const { vectors } = load(file) as { vectors: { name: string; hex: string }[] }
  const { shapes } = load('aggregation-shapes') as { shapes: Shape[] }
  return vectors.map(({ name, hex }) => {
    const shape = shapes.find((candidate) => candidate.name === name)!
    return { name, records: recordsOf(shape), aggregate: Buffer.from(hex, 'hex') }
  })
}

export function load(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}.json`, import.meta.url), 'utf8'))
}

function recordsOf({ records, times = 1 }: Shape): Aggregatable[] {
  return Array.from({ length: times }, (_, i) =>
    records.map(({ key, hashKey, data }) => ({
      partitionKey: textOf(key, i),
      explicitHashKey: hashKey === undefined ? null : hashKeyFromDecimal(textOf(hashKey, i)),
      data:
        typeof data === 'object' && 'hex' in data
          ? Buffer.from(data.hex, 'hex')
          : Buffer.from(textOf(data, i)),
    })),
  ).flat()
}

function textOf(text: Text, i: number): string {
  if (typeof text === 'string') return text
  return 'numbered' in text ? `${text.numbered}${i}` : text.text.repeat(text.times)
}
