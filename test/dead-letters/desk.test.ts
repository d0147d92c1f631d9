// Replay, purge and the rest, over the service that answers on the admin address.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminService, DeadLetterOffice, DeskAwayError } from '../../src/dead-letters/index.ts'
import { type HttpAnswer, silentLog } from '../../src/host/index.ts'
import type { SpoolRefusal, Transaction } from '../../src/spool/index.ts'
import { contentOf, letter, openLetters } from './letters.ts'

const FULL: SpoolRefusal = { code: 'spool-full', message: 'No room.', mayBeWritten: false }

/** A spool that a test answers for. */
class HandSpool {
  readonly transactions: Transaction[] = []
  /** Answers at once; null leaves it to the test. */
  answer: ((transaction: Transaction) => void) | null = (transaction) => {
    transaction.durable(transaction.records.map(({ receipt }) => receipt!))
  }

  append(transaction: Transaction): void {
    this.transactions.push(transaction)
    this.answer?.(transaction)
  }
}

async function openDesk(...receipts: string[]) {
  const opened = await openLetters()
  await opened.keep(...receipts.map((receipt) => letter(receipt)))
  const spool = new HandSpool()
  const service = new AdminService(new DeadLetterOffice(opened.letters, spool), silentLog)
  const ask = async (request: string, headers: string[] = []) => {
    const [method = '', target = ''] = request.split(' ')
    const answer = await exchange(service, { method, target, headers })
    return { status: answer.status, body: JSON.parse(String(answer.body)), ...answer.headers }
  }
  return { ...opened, spool, ask }
}

function exchange(
  service: AdminService,
  head: { method: string; target: string; headers: string[] },
) {
  const headers = ['host', '127.0.0.1:8081', ...head.headers]
  const begun = service.begin({ ...head, headers })
  if ('status' in begun) return Promise.resolve(begun)
  return new Promise<HttpAnswer>((resolve) => begun.end(Buffer.alloc(0), resolve))
}

test('letters are listed without their data, and shown with it', async () => {
  const { ask } = await openDesk('a', 'b', 'c')

  const { body } = await ask('GET /dead-letters?limit=2')
  const shown = await ask('GET /dead-letters/b')
  const missing = await ask('GET /dead-letters/z')

  assert.deepEqual([body.count, body.lastNumber], [3, 3])
  assert.deepEqual(
    body.letters.map((one: Record<string, unknown>) => [one['receipt'], one['dataBytes']]),
    [
      ['a', 9],
      ['b', 9],
    ],
  )
  assert.equal('data' in body.letters[0], false)
  assert.deepEqual(
    [shown.body.data, shown.body.encoding, shown.body.attempts[0].code],
    ['data of b', 'utf-8', 'Throttled'],
  )
  assert.deepEqual([missing.status, missing.body.code], [404, 'dead-letter-not-found'])
})

test('data that is no text is shown in base64', async () => {
  const { ask, keep } = await openDesk()
  await keep(letter('a', { data: Buffer.from([0xff, 0x00]) }))
  const { body } = await ask('GET /dead-letters/a')
  assert.deepEqual([body.data, body.encoding], ['/wA=', 'base64'])
})

test('a replayed letter keeps its receipt, and goes only when it is durable in the spool', async () => {
  const { ask, spool, letters } = await openDesk('a', 'b')
  spool.answer = null
  const asked = ask('POST /dead-letters/replay')
  await new Promise((resolve) => setImmediate(resolve))

  const sent = spool.transactions.map(({ records, idempotency }) => {
    const [{ receipt, stream, partitionKey, data }] = records as [(typeof records)[0] & object]
    return [receipt, stream, partitionKey, String(Buffer.from(data)), idempotency]
  })
  assert.deepEqual(sent, [
    ['a', 's1', 'key of a', 'data of a', null],
    ['b', 's1', 'key of b', 'data of b', null],
  ])
  spool.transactions[0]!.durable(['a'])
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([...(await contentOf(letters)).keys()], ['a', 'b'])
  spool.transactions[1]!.durable(['b'])

  assert.deepEqual((await asked).body, { replayed: 2, left: 0, refusal: null })
  assert.equal(letters.stats.count, 0)
})

test('what the spool does not take stays a dead letter, and why is said', async () => {
  const { ask, spool, letters } = await openDesk('a', 'b', 'c')
  spool.answer = (transaction) => {
    if (transaction.records[0]!.receipt === 'b') transaction.refused(FULL)
    else transaction.durable([])
  }
  const { body } = await ask('POST /dead-letters/replay')
  const refusal = { code: 'spool-full', message: 'No room.' }
  assert.deepEqual(body, { replayed: 2, left: 1, refusal })
  assert.deepEqual([...(await contentOf(letters)).keys()], ['b'])
})

test('after a refusal the letters of the next files are not tried', async () => {
  const { ask, spool, keep } = await openDesk()
  await keep(letter('a', { data: Buffer.alloc(300_000) }))
  await keep(letter('b', { data: Buffer.alloc(300_000) }))
  spool.answer = (transaction) => transaction.refused(FULL)
  assert.equal((await ask('POST /dead-letters/replay')).body.left, 2)
  assert.equal(spool.transactions.length, 1)
})

test('a record that dies again while its letter is being replayed is kept', async () => {
  const { ask, spool, letters, keep } = await openDesk('a')
  spool.answer = async (transaction) => {
    await keep(letter('a', { data: Buffer.from('died again') }))
    transaction.durable(['a'])
  }
  assert.equal((await ask('POST /dead-letters/replay')).body.replayed, 1)
  assert.deepEqual(await contentOf(letters), new Map([['a', 'died again']]))
})

test('two orders at once send no letter twice', async () => {
  const { ask, spool } = await openDesk('a', 'b', 'c')
  const done = await Promise.all([1, 2, 3].map(() => ask('POST /dead-letters/replay')))
  assert.equal(spool.transactions.length, 3)
  assert.deepEqual(
    done.map(({ body }) => body.replayed),
    [3, 0, 0],
  )
})

test('orders mean what their filters say, up to a number and a limit', async () => {
  const { ask, letters } = await openDesk('a', 'b', 'c', 'd')
  assert.deepEqual((await ask('POST /dead-letters/replay?upTo=2')).body.replayed, 2)
  const purged = await ask('DELETE /dead-letters?stream=s1&limit=1')
  assert.deepEqual(purged.body, { purged: 1, left: 1 })
  assert.deepEqual([...(await contentOf(letters)).keys()], ['d'])
})

test('a purge without a filter has to say that it means all', async () => {
  const { ask, letters } = await openDesk('a', 'b')
  const refused = await ask('DELETE /dead-letters?limit=5')
  assert.deepEqual([refused.status, refused.body.code], [400, 'filter-missing'])
  assert.equal(letters.stats.count, 2)
  assert.equal((await ask('DELETE /dead-letters?all=true')).body.purged, 2)
})

for (const [target, part] of [
  ['/dead-letters?strem=s1', /strem is unknown/],
  ['/dead-letters?limit=many', /limit takes a whole number, not many/],
  ['/dead-letters?limit=10001', /at most 10000/],
  ['/dead-letters?stream=a&stream=b', /stream is said twice/],
  ['/dead-letters?all=yes', /all takes true/],
] as const) {
  test(`${target} is refused as no filter`, async () => {
    const { ask } = await openDesk('a')
    const { status, body } = await ask(`GET ${target}`)
    assert.deepEqual([status, body.code], [400, 'filter-invalid'])
    assert.match(body.detail, part)
  })
}

test('the largest limit is allowed', async () => {
  const { ask } = await openDesk('a')
  assert.equal((await ask('GET /dead-letters?limit=10000')).status, 200)
})

test('other paths and methods are refused', async () => {
  const { ask } = await openDesk()
  assert.equal((await ask('GET /')).status, 404)
  assert.equal((await ask('PUT /dead-letters')).status, 405)
  assert.equal((await ask('GET /dead-letters/replay')).status, 405)
  assert.equal((await ask('DELETE /dead-letters/a')).status, 405)
})

test('pages in a browser are refused, openly or under a name of their own', async () => {
  const { ask, letters } = await openDesk('a')
  for (const headers of [['origin', 'https://evil.example']]) {
    assert.equal((await ask('POST /dead-letters/replay', headers)).status, 403)
  }
  const service = new AdminService(new DeadLetterOffice(letters, new HandSpool()), silentLog)
  const hosts = { '127.0.0.1:8081': 200, 'localhost:1': 200, '[::1]:80': 200, 'evil.example': 403 }
  for (const [host, status] of Object.entries(hosts)) {
    const begun = service.begin({ method: 'GET', target: '/dead-letters', headers: ['host', host] })
    assert.equal('status' in begun ? begun.status : 200, status, host)
  }
})

test('with a token, only who carries it is answered, under whatever name of the host', async () => {
  const { letters } = await openLetters()
  const token = 'a token of the test'
  const office = new DeadLetterOffice(letters, new HandSpool())
  const service = new AdminService(office, silentLog, token)
  const ask = async (...headers: string[]) => {
    const {
      status,
      body,
      headers: said,
    } = await exchange(service, {
      method: 'GET',
      target: '/dead-letters',
      headers: ['host', 'gateway.example', ...headers],
    })
    return { status, code: JSON.parse(String(body)).code, said }
  }
  for (const wrong of [`Bearer ${token}s`, 'Bearer ', token, `Basic ${token}`]) {
    assert.equal((await ask('authorization', wrong)).status, 401, wrong)
  }
  const missing = await ask()
  assert.deepEqual([missing.status, missing.code], [401, 'token-needed'])
  assert.ok(missing.said.includes('www-authenticate'))
  assert.equal((await ask('authorization', `Bearer ${token}`)).status, 200)
})

test('what is sent again keeps the instant at which it first came', async () => {
  const { ask, spool } = await openDesk('a')
  await ask('POST /dead-letters/replay')
  assert.equal(spool.transactions[0]!.records[0]!.arrivedAtMs, 1_700_000_000_000)
})

test('a disk that fails is a 503 that says what is certain', async () => {
  const { ask, disk, letters } = await openDesk('a')
  disk.fault = (operation) => (operation === 'load' ? 'EIO' : null)
  const { status, body } = await ask('GET /dead-letters')
  assert.deepEqual([status, body.code], [503, 'dead-letters-failed'])
  assert.equal(letters.stats.count, 1)
})

test('a process that is away is another 503 than a disk that fails', async () => {
  const away = { list: () => Promise.reject(new DeskAwayError()) } as unknown as DeadLetterOffice
  const service = new AdminService(away, silentLog)
  const { status, body, headers } = await exchange(service, {
    method: 'GET',
    target: '/dead-letters',
    headers: [],
  })
  const { code, title, detail } = JSON.parse(String(body))
  assert.deepEqual([status, code], [503, 'process-away'])
  assert.equal(title, 'A process of the gateway is away')
  assert.match(detail, /is away or does not answer\. What was not answered as done is still kept/)
  assert.ok(headers.includes('retry-after'))
})
