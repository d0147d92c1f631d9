// One HTTP request to the gateway, and what can be read from its answer.

import { type Agent, request } from 'node:http'

/** A gateway that says nothing for so long has forgotten the request. */
export const ANSWER_MS = 30_000

export interface Sent {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly text: string
  /** Of a problem document. */
  readonly code: string | null
  /** Of a problem document: the record may be stored all the same. */
  readonly mayBeWritten: boolean
  readonly retryAfterSeconds: number | null
  readonly receipt: string | null
  /** Shard and sequence number, where they were told. */
  readonly place: string | null
}

/** Kept connections, or `false` for one of its own. */
export type Connection = Agent | false

/** `none`: the connection ended without an answer. `silent`: it stayed, and no answer came. */
export function post(
  url: string,
  { path, headers, body }: Sent,
  agent: Connection,
): Promise<Answer | 'none' | 'silent'> {
  return new Promise((resolve) => {
    const options = { method: 'POST', headers, agent }
    const sent = request(url + path, options, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part) => {
        text += part
      })
      answer.on('error', () => resolve('none'))
      answer.on('end', () => resolve(read(answer.statusCode!, answer.headers, text)))
    })
    sent.setTimeout(ANSWER_MS, () => {
      resolve('silent')
      sent.destroy()
    })
    sent.on('error', () => resolve('none'))
    sent.end(body)
  })
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

function read(status: number, headers: Headers, text: string): Answer {
  const of = (name: string) => (typeof headers[name] === 'string' ? headers[name] : null)
  const shardId = of('headgate-shard-id')
  const retryAfter = of('retry-after')
  const problem = status >= 400 ? problemIn(text) : {}
  return {
    status,
    text,
    code: problem.code ?? null,
    mayBeWritten: problem.mayBeWritten === true,
    retryAfterSeconds: retryAfter === null ? null : Number(retryAfter),
    receipt: of('headgate-receipt'),
    place: shardId === null ? null : `${shardId} ${of('headgate-sequence-number')}`,
  }
}

function problemIn(text: string): { readonly code?: string; readonly mayBeWritten?: boolean } {
  try {
    return JSON.parse(text) as { code?: string; mayBeWritten?: boolean }
  } catch {
    return {}
  }
}

/** Resolves after `ms`, or as soon as the signal says so. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
