// Makes aggregation-npm.json: the shapes as npm's aws-kinesis-agg writes them.
// Run in the repository: node test/vectors/make-aggregates-npm.mjs

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { RecordAggregator } = require('aws-kinesis-agg')
const { version } = require('aws-kinesis-agg/package.json')
const folder = new URL('.', import.meta.url)

// It keeps its tables as plain objects: keys made of digits come out in numeric order and `__proto__`
// not at all, so that records get each other's keys. There is nothing to agree with in these two,
// and explicit hash keys are digits too, except where a shape has them in numeric order.
const LEFT_OUT = /digit-only|Object\.prototype|not in numeric order/

const { shapes } = JSON.parse(readFileSync(new URL('aggregation-shapes.json', folder), 'utf8'))
const vectors = shapes
  .filter((shape) => !LEFT_OUT.test(shape.name))
  .map(({ name, times = 1, records }) => {
    const aggregator = new RecordAggregator()
    for (let i = 0; i < times; i++) {
      for (const { key, hashKey, data } of records) {
        aggregator.addUserRecord({
          partitionKey: text(key, i),
          data: data.hex === undefined ? Buffer.from(text(data, i)) : Buffer.from(data.hex, 'hex'),
          ...(hashKey === undefined ? {} : { explicitHashKey: text(hashKey, i) }),
        })
      }
    }
    return { name, hex: aggregator.build().data.toString('hex') }
  })
const file = { source: `npm aws-kinesis-agg ${version}`, vectors }
writeFileSync(new URL('aggregation-npm.json', folder), `${JSON.stringify(file, null, 1)}\n`)

function text(value, i) {
  if (typeof value === 'string') return value
  if (value.numbered !== undefined) return `${value.numbered}${i}`
  return value.text.repeat(value.times)
}
