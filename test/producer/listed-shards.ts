// A service that is asked for nothing but shards, and says what a test has it say.

import type { Random } from '../../src/host/index.ts'
import type { Call, Client, Outcome } from '../../src/producer/client.ts'
import { RequestBuffer } from '../../src/wire/index.ts'
import { evenShards, type Shard, shardIdOf } from './scripted-service.ts'

const PAGE_SHARDS = 1000

export type Input = Record<string, string>

/** Answers calls at once, as `answer` has it. */
export function clientOf(answer: (input: Input) => Outcome) {
  const calls: Input[] = []
  const call = ({ encode, done }: Call) => {
    const input = JSON.parse(String(encode(new RequestBuffer(), 'json')))
    calls.push(input)
    queueMicrotask(() => done(answer(input)))
  }
  return { client: { call } as unknown as Client, calls }
}

/** Answers calls with what is given to `answerNext`, in their order. */
export function slowClient() {
  const calls: Input[] = []
  const waiting: ((outcome: Outcome) => void)[] = []
  const call = ({ encode, done }: Call) => {
    calls.push(JSON.parse(String(encode(new RequestBuffer(), 'json'))))
    waiting.push(done)
  }
  const answerNext = (outcome: Outcome) => waiting.shift()!(outcome)
  return { client: { call } as unknown as Client, calls, answerNext }
}

export function pagesOf(shardCount: number, startingSequenceNumber = '1') {
  return pagesWith(evenShards(shardCount), startingSequenceNumber)
}

export function pagesWith(shards: readonly Shard[], startingSequenceNumber = '1') {
  return (input: Input): Outcome => {
    const from = Number(input['NextToken'] ?? 0)
    const Shards = shards.slice(from, from + PAGE_SHARDS).map(({ number, start, end }) => ({
      ShardId: shardIdOf(number),
      HashKeyRange: { StartingHashKey: `${start}`, EndingHashKey: `${end}` },
      SequenceNumberRange: { StartingSequenceNumber: startingSequenceNumber },
    }))
    const next = from + PAGE_SHARDS
    const body = { Shards, ...(next < shards.length && { NextToken: `${next}` }) }
    return { format: 'json', body: Buffer.from(JSON.stringify(body)) }
  }
}

export const REFUSAL = { code: 'LimitExceededException', message: 'no', mayBeWritten: false }

/** Draws always this part of what may be drawn. */
export function drawing(part: number): Random {
  const random: Random = { below: (bound) => Math.floor((bound - 1) * part), fork: () => random }
  return random
}
