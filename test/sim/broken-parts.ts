// Parts of the line's world that are broken on purpose, to see that its checkers notice.

import type {
  BodyTaker,
  Disk,
  HttpAnswer,
  HttpHead,
  HttpService,
  Network,
} from '../../src/host/index.ts'
import type { LineHooks } from '../../src/sim/index.ts'
import { contentTypeOf, decodeAnswer, encodeRequest, targetOf } from '../../src/wire/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { gatewayWithNewIds, gatewayWithoutKeys, spoolWithoutIds } from './broken-memory.ts'

type Hooks = Partial<LineHooks>
type Answer = (answer: HttpAnswer) => void
type End = (body: Buffer, answer: Answer, taker: BodyTaker, head: HttpHead) => void

/** A service whose requests end as `end` has it. */
function service(inner: HttpService, end: End, isMeant = (_: HttpHead) => true): HttpService {
  return {
    begin: (head) => {
      const taker = inner.begin(head)
      if ('status' in taker || !isMeant(head)) return taker
      return {
        maxBodyBytes: taker.maxBodyBytes,
        tooLarge: () => taker.tooLarge(),
        abort: () => taker.abort(),
        end: (body, answer) => end(body, answer, taker, head),
      }
    },
  }
}

function isPutRecords({ headers }: Pick<HttpHead, 'headers'>): boolean {
  return headers.includes(targetOf('PutRecords'))
}

interface Fields {
  StreamName: string
  Records: { Data: Buffer; PartitionKey: string; ExplicitHashKey?: string }[]
}

/** The body of a PutRecords request after `change`. */
function changed(
  { headers }: Pick<HttpHead, 'headers'>,
  body: Uint8Array,
  change: (fields: Fields) => void,
): Buffer {
  const format = headers.some((value) => value.includes('cbor')) ? 'cbor' : 'json'
  const fields = decodeAnswer(format, body) as Fields
  change(fields)
  return encodeRequest(format, 'PutRecords', fields)
}

function flipLastByte({ Records: [record] }: Fields): void {
  record!.Data = Buffer.from(record!.Data)
  record!.Data[record!.Data.length - 1]! ^= 1
}

/** Stores nothing of every third request, and gives all of it places. */
function forgetfulKinesis(): Hooks {
  let count = 0
  const end: End = (body, answer, taker, head) => {
    if (++count % 3 !== 0) return taker.end(body, answer)
    const format = head.headers.includes(contentTypeOf('cbor')) ? 'cbor' : 'json'
    const answered: object[] = []
    changed(head, body, ({ Records }) => {
      for (const [index] of Records.entries()) {
        answered.push({ ShardId: 'shardId-000000000000', SequenceNumber: `${count}000${index}` })
      }
    })
    taker.abort()
    answer({
      status: 200,
      headers: ['content-type', contentTypeOf(format)],
      body: encodeRequest(format, 'PutRecords', { FailedRecordCount: 0, Records: answered }),
    })
  }
  return { kinesis: (inner) => service(inner, end, isPutRecords) }
}

/** Says it has synced and has not. */
function lyingDisk(which: 'kinesisDisk' | 'nodeDisk'): Hooks {
  const lying = (disk: Disk): Disk => ({
    ...methodsOf(disk),
    open: async (name) => ({ ...fileMethodsOf(await disk.open(name)), sync: async () => {} }),
  })
  return { [which]: lying }
}

/** Loses the last file of a folder when it is listed. */
function forgetfulFolder(): Hooks {
  const nodeDisk = (disk: Disk): Disk => ({
    ...disk,
    list: async () => {
      const names = await disk.list()
      const logs = names.filter((name) => name.endsWith('.log')).sort()
      return names.filter((name) => name !== logs.at(-1))
    },
  })
  return { nodeDisk }
}

/** Answers what has a receipt with another one. */
function gatewayThatGives(receiptOf: (receipt: string, count: number) => string): Hooks {
  let count = 0
  return gatewayThat((body, answer, taker) => {
    taker.end(body, (made) => {
      const at = made.headers.indexOf('headgate-receipt')
      if (at < 0) return answer(made)
      const receipt = receiptOf(made.headers[at + 1]!, ++count)
      answer({ ...made, headers: made.headers.with(at + 1, receipt) })
    })
  })
}

function kinesisThat(change: (fields: Fields) => void): Hooks {
  const end: End = (body, answer, taker, head) => taker.end(changed(head, body, change), answer)
  return { kinesis: (inner) => service(inner, end, isPutRecords) }
}

/** Puts what it is given in once more. */
function repeatingKinesis(): Hooks {
  const kinesis = (inner: HttpService) =>
    service(
      inner,
      (body, answer, taker, head) => {
        const again = inner.begin(head)
        if (!('status' in again)) again.end(Buffer.from(body), () => {})
        taker.end(body, answer)
      },
      isPutRecords,
    )
  return { kinesis }
}

function producerThat(change: (fields: Fields) => void): Hooks {
  const network = (inner: Network): Network => ({
    exchange: (request, deadlineAtMs) => {
      const body = isPutRecords(request) ? changed(request, request.body, change) : request.body
      return inner.exchange({ ...request, body }, deadlineAtMs)
    },
  })
  return { network }
}

function gatewayThat(end: End): Hooks {
  return { gateway: (inner) => service(inner, end) }
}

function lineThat(
  change: (put: () => void, record: { settle: (r: never) => void }) => void,
): Hooks {
  return {
    line: ({ producer }) => {
      const put = producer.put.bind(producer)
      producer.put = (record) => change(() => put(record), record as never)
    },
  }
}

interface BrokenPart {
  readonly hooks: Hooks
  /** What a checker must say of it. */
  readonly says: RegExp
  /** Where the first worlds have no use for it. */
  readonly firstSeed?: number
}

export const BROKEN_PARTS: ReadonlyMap<string, BrokenPart> = new Map<string, BrokenPart>([
  ['a Kinesis that loses what it answered', { hooks: forgetfulKinesis(), says: /is gone/ }],
  [
    'a disk that does not sync',
    { hooks: lyingDisk('kinesisDisk'), says: /is gone|does not start|settles/ },
  ],
  [
    'a Kinesis that changes bytes',
    {
      hooks: kinesisThat(flipLastByte),
      says: /is not what was put there|the data of record [0-9]+ changed/,
    },
  ],
  ['a Kinesis that stores twice', { hooks: repeatingKinesis(), says: /never given, and is there/ }],
  [
    'a producer that changes bytes',
    { hooks: producerThat(flipLastByte), says: /changed on its way|nobody wrote/ },
  ],
  [
    'a producer that sends too many records',
    {
      hooks: producerThat((fields) => {
        while (fields.Records.length <= 500) fields.Records.push(fields.Records[0]!)
      }),
      says: /records in a request/,
    },
  ],
  [
    'a producer that sends a record of too many bytes',
    {
      hooks: producerThat(({ Records: [record] }) => {
        record!.Data = Buffer.concat([record!.Data, Buffer.alloc(10 * 1024 * 1024)])
      }),
      says: /a record of [0-9]+ bytes/,
    },
  ],
  [
    'a producer that sends a record twice at once',
    {
      hooks: producerThat((fields) => fields.Records.push(fields.Records[0]!)),
      says: /in two requests at once/,
    },
  ],
  [
    'a gateway that says 200 before delivery',
    {
      hooks: gatewayThat((body, answer, taker) => {
        answer({ status: 200, headers: [], body: 'got it' })
        taker.end(body, () => {})
      }),
      says: /200 before it was delivered/,
    },
  ],
  [
    'a spool on a disk that does not sync',
    {
      hooks: lyingDisk('nodeDisk'),
      says: /was durable and is gone|the ledger knows of|deep-equal/,
    },
  ],
  [
    'a spool whose folder loses a file',
    {
      hooks: forgetfulFolder(),
      says: /durable and is gone|ledger knows of|deep-equal|what was left settles|: unknown$/,
    },
  ],
  [
    'a gateway that knows no idempotency keys',
    {
      hooks: gatewayWithoutKeys(),
      says: /has 2 receipts|was put twice/,
    },
  ],
  [
    'a gateway that takes each id in a header for a new one',
    { hooks: gatewayWithNewIds(), says: /has 2 receipts|was put twice/ },
  ],
  [
    'a spool that forgets the ids in bodies',
    { hooks: spoolWithoutIds(), says: /has 2 receipts|was put twice/, firstSeed: 31 },
  ],
  [
    'a gateway that gives one receipt to all',
    { hooks: gatewayThatGives(() => '1-0-00000000'), says: /was given for/ },
  ],
  [
    'a gateway that makes receipts up',
    { hooks: gatewayThatGives((_, count) => `1-${count}-00000000`), says: /unknown|receipts/ },
  ],
  [
    'a gateway that answers twice',
    {
      hooks: gatewayThat((body, answer, taker) => {
        taker.end(body, (made) => {
          answer(made)
          answer(made)
        })
      }),
      says: /answered twice/,
    },
  ],
  [
    'a gateway that turns away what it takes',
    {
      hooks: gatewayThat((body, answer, taker) => {
        const headers = ['retry-after', '1']
        const refusal = { status: 503, headers, body: '{"code":"back-pressure"}' }
        taker.end(body, (made) => answer(made.status === 202 ? refusal : made))
      }),
      says: /it has entered|entered all the same/,
    },
  ],
  [
    'a flush that does not wait',
    {
      hooks: {
        line: ({ producer }) => {
          producer.flush = () => Promise.resolve()
        },
      },
      says: /a flush ended before its records settled/,
    },
  ],
  [
    'a flush that does not end',
    {
      hooks: {
        line: ({ producer }) => {
          const flush = producer.flush.bind(producer)
          producer.flush = (stream) => (stream === undefined ? flush() : new Promise(() => {}))
        },
      },
      says: /nothing is left/,
    },
  ],
  [
    'a producer that keeps no order',
    {
      hooks: { producer: (config) => ({ ...config, ordering: 'none' }) },
      says: /is sent before record/,
    },
  ],
  [
    'a line that settles twice',
    {
      hooks: lineThat((put, record) => {
        put()
        const { settle } = record
        record.settle = (result) => {
          settle(result)
          settle(result)
        }
      }),
      says: /settled twice/,
    },
  ],
])

/** A line that loses every twentieth record. */
export function losingLine(): Hooks {
  let count = 0
  return lineThat((put) => {
    if (++count % 20 !== 0) put()
  })
}

/** A gateway that counts its requests beyond the end of a world; the twentieth is not found. */
export function rememberingGateway(): Hooks {
  let count = 0
  return gatewayThat((body, answer, taker) => {
    if (++count !== 20) return taker.end(body, answer)
    taker.abort()
    answer({ status: 404, headers: [], body: '' })
  })
}
