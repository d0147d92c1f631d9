import type { HttpAnswer } from '../network.ts'

/** Why a request was not given to the service: no HTTP, too slow, or too large a head. */
export type BadRequestStatus = 400 | 408 | 417 | 431

export type AnswerBadRequest = (status: BadRequestStatus) => HttpAnswer

const WORDS = {
  400: 'bad request',
  408: 'request too slow',
  417: 'expectation cannot be met',
  431: 'request head too large',
}

export function answerPlainly(status: BadRequestStatus): HttpAnswer {
  return { status, headers: ['content-type', 'text/plain'], body: WORDS[status] }
}
