import { shardIdOf } from '../../wire/index.ts'
import type { Fields, InputOf } from '../field.ts'
import { atCounter, sealIterator } from '../iterator.ts'
import { DRY_RUN, defineOperation, SHARD_ID, STREAM_CHOICE } from '../operation.ts'
import { FIRST_COUNTER, parseSequenceNumber } from '../sequence-number.ts'
import { shardOf, usableStreamOf } from '../service.ts'
import { dryRunSucceeded, invalidArgument } from '../service-error.ts'
import type { Shard } from '../shard.ts'
import { couldNotFindShard, numberInShardName } from '../shard-choice.ts'
import type { Stream } from '../stream.ts'

const FIELDS = {
  ...STREAM_CHOICE,
  ...DRY_RUN,
  ShardId: { ...SHARD_ID, required: true },
  ShardIteratorType: {
    type: 'string',
    required: true,
    oneOf: [
      'AFTER_SEQUENCE_NUMBER',
      'LATEST',
      'AT_TIMESTAMP',
      'AT_SEQUENCE_NUMBER',
      'TRIM_HORIZON',
    ],
  },
  StartingSequenceNumber: { type: 'string', pattern: '0|([1-9]\\d{0,128})' },
  Timestamp: { type: 'timestamp' },
} as const satisfies Fields

type Input = InputOf<typeof FIELDS>

export const getShardIterator = defineOperation({
  name: 'GetShardIterator',
  fields: FIELDS,
  async run(input, call) {
    const stream = usableStreamOf(call, input)
    const shard = shardNamed(stream, input.ShardId)
    const startsAtNumber = input.ShardIteratorType.endsWith('_SEQUENCE_NUMBER')
    if (startsAtNumber !== (input.StartingSequenceNumber !== null)) throw wrongCombination(input)
    const counter = await counterFor(input, stream, shard, call.clock.wallMs())
    if (input.DryRun === true) throw dryRunSucceeded()
    const place = { stream, shard, position: atCounter(counter) }
    return { ShardIterator: sealIterator(call, place) }
  },
})

function shardNamed(stream: Stream, given: string): Shard {
  const number = numberInShardName(given)
  if (number < 0) throw couldNotFindShard(given, stream)
  return shardOf(stream, number, shardIdOf(number))
}

function counterFor(
  input: Input,
  stream: Stream,
  shard: Shard,
  nowMs: number,
): number | Promise<number> {
  switch (input.ShardIteratorType) {
    case 'TRIM_HORIZON':
      return FIRST_COUNTER
    case 'LATEST':
      return shard.log.readableEnd
    case 'AT_TIMESTAMP':
      return counterAtTime(input.Timestamp, shard, nowMs)
    case 'AT_SEQUENCE_NUMBER':
      return counterIn(input.StartingSequenceNumber!, stream, shard)
    default:
      return counterIn(input.StartingSequenceNumber!, stream, shard) + 1
  }
}

function counterAtTime(atMs: number | null, shard: Shard, nowMs: number): Promise<number> {
  if (atMs === null) {
    throw invalidArgument(
      'Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. ' +
        'Current request has no timestamp parameter.',
    )
  }
  if (atMs > nowMs) {
    throw invalidArgument(
      'The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. ' +
        `timestampInMillis: ${Math.floor(atMs)}, currentTimestampInMillis: ${Math.floor(nowMs)}`,
    )
  }
  return shard.log.counterAtTime(Math.ceil(atMs))
}

function counterIn(text: string, stream: Stream, shard: Shard): number {
  const parsed = parseSequenceNumber(text)
  const where =
    `StartingSequenceNumber ${text} used in GetShardIterator on shard ${shard.id} ` +
    `in stream ${stream.name} under account ${stream.accountId} is invalid`
  if (parsed === null) throw invalidArgument(`${where}.`)
  if (parsed.shardNumber !== shard.record.number) {
    throw invalidArgument(
      `Invalid StartingSequenceNumber. It encodes ${shardIdOf(parsed.shardNumber)}, ` +
        `while it was used in a call to a shard with ${shard.id}`,
    )
  }
  if (shard.sequenceNumbers.areSource(parsed)) return parsed.counter
  throw invalidArgument(`${where} because it did not come from this stream.`)
}

function wrongCombination({ ShardIteratorType: type, StartingSequenceNumber: text }: Input) {
  return invalidArgument(
    'Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and ' +
      'StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. ' +
      `Request specified ${type} and ${text === null ? 'no' : 'also a'} StartingSequenceNumber.`,
  )
}
