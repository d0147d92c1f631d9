// The shape of an operation: a name, a table of its input's fields, and what it does.

import type { Action } from './action.ts'
import type { Fields, InputOf, StringField } from './field.ts'
import { checkInput } from './input.ts'
import type { Call } from './service.ts'

/** A body that is complete as it is, or an object still to be encoded; null for an empty body. */
export type AnswerBody = object | Buffer | string | null

export interface Operation {
  readonly name: Action
  readonly maxBodyBytes: number
  /** Throws, or rejects with, a `ServiceError`. */
  run(body: Buffer, call: Call): AnswerBody | Promise<AnswerBody>
}

export interface OperationPlan<T extends Fields> {
  readonly name: Action
  readonly fields: T
  readonly maxBodyBytes?: number
  run(input: InputOf<T>, call: Call): AnswerBody | Promise<AnswerBody>
}

/** The longest input but for records: CreateStream with fifty tags of the longest kind. */
const BODY_MAX_BYTES = 256 * 1024

export function defineOperation<T extends Fields>(plan: OperationPlan<T>): Operation {
  return {
    name: plan.name,
    maxBodyBytes: plan.maxBodyBytes ?? BODY_MAX_BYTES,
    run(body, call) {
      const { format } = call
      return plan.run(checkInput(plan.fields, format.decode(body), format), call)
    },
  }
}

const NAME_PATTERN = '[a-zA-Z0-9_.-]+'

export const STREAM_NAME = {
  type: 'string',
  min: 1,
  max: 128,
  pattern: NAME_PATTERN,
} as const satisfies StringField

export const SHARD_ID = STREAM_NAME

/** As text: the numbers are beyond what JSON carries. */
export const HASH_KEY = {
  type: 'string',
  pattern: '0|([1-9]\\d{0,38})',
} as const satisfies StringField

/** How most operations name a stream. */
export const STREAM_CHOICE = {
  StreamName: STREAM_NAME,
  StreamARN: {
    type: 'string',
    min: 1,
    max: 2048,
    pattern: 'arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+',
  },
  StreamId: { type: 'string', pattern: '[a-z0-9]{24}' },
} as const satisfies Fields

export const DRY_RUN = { DryRun: { type: 'boolean' } } as const satisfies Fields
