import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { type SignableRequest, Signer } from '../../src/wire/index.ts'
import { load } from './vectors.ts'

const suite = load('sigv4') as {
  credentials: { accessKeyId: string; secretAccessKey: string }
  region: string
  service: string
  wallMs: number
  signedRequests: Record<string, string>
}

interface SignedRequest {
  readonly request: SignableRequest
  readonly sessionToken: string | null
  readonly authorization: string
}

/**
 * Takes a signed request of the suite apart: what was signed, and what came out. A folded line,
 * which HTTP no longer has, counts as one more value: only so has it the published signature.
 */
function parse(text: string): SignedRequest {
  const [head, body] = text.split('\n\n') as [string, string]
  const [requestLine, ...lines] = head.replaceAll(/\n +/g, ',').split('\n') as [string, ...string[]]
  const [, method, target] = /^(\S+) (.*) HTTP\/1.1$/.exec(requestLine)!
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1)] as const
  })
  const headerNamed = (wanted: string) =>
    headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
  const authorization = headerNamed('authorization')!
  const signed = /SignedHeaders=([^,]*)/.exec(authorization)![1]!.split(';')
  const ours = ['host', 'x-amz-date', 'x-amz-security-token']
  const others = headers.filter(([name]) => {
    return signed.includes(name.toLowerCase()) && !ours.includes(name.toLowerCase())
  })
  return {
    request: {
      method: method!,
      target: target!,
      host: headerNamed('host')!,
      headers: others.flat(),
      body: Buffer.from(body),
    },
    sessionToken: headerNamed('x-amz-security-token') ?? null,
    authorization,
  }
}

function valueIn(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((header, i) => i % 2 === 0 && header.toLowerCase() === name)
  return at < 0 ? undefined : headers[at + 1]
}

for (const [name, text] of Object.entries(suite.signedRequests)) {
  test(`the published signature of ${name}`, () => {
    const { request, sessionToken, authorization } = parse(text)
    const credentials = {
      ...suite.credentials,
      ...(sessionToken === null ? {} : { sessionToken }),
    }

    const headers = new Signer(suite).sign(request, credentials, suite.wallMs)

    assert.equal(valueIn(headers, 'authorization'), authorization)
    assert.equal(valueIn(headers, 'x-amz-date'), '20150830T123600Z')
    assert.equal(valueIn(headers, 'host'), 'example.amazonaws.com')
    assert.equal(valueIn(headers, 'x-amz-security-token'), sessionToken ?? undefined)
  })
}

const REGION = 'us-east-1'
const ofQueries = new Signer({ region: REGION, service: 'kinesis' })

function officialOf(credentials: typeof suite.credentials, region: string): SignatureV4 {
  const algorithm = { sha256: Sha256, applyChecksum: false }
  return new SignatureV4({ credentials, region, service: 'kinesis', ...algorithm })
}

/** The target is signed as the official signer signs one that has this query. */
async function checkQuery(target: string, query: Record<string, string | string[]>): Promise<void> {
  const request = { method: 'GET', protocol: 'https:', hostname: 'h', path: '/' }
  const { headers } = await officialOf(suite.credentials, REGION).sign(
    { ...request, headers: { host: 'h' }, query },
    { signingDate: new Date(0) },
  )
  const own = { method: 'GET', target, host: 'h', headers: [], body: Buffer.alloc(0) }
  const signed = ofQueries.sign(own, suite.credentials, 0)
  assert.equal(valueIn(signed, 'authorization'), headers['authorization'], target)
}

test('queries are put in the order that the official signer puts them in', async () => {
  const anyText = fc.string({ unit: fc.constantFrom(..."aAbB1-_~.!*'()&=+/? ü鍵"), maxLength: 4 })
  const anyName = anyText.filter((name) => name !== '')
  const anyQuery = fc.dictionary(anyName, fc.array(anyText, { minLength: 1, maxLength: 3 }))
  await fc.assert(
    fc.asyncProperty(anyQuery, async (query) => {
      const pairs = Object.entries(query).flatMap(([name, values]) =>
        values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
      )
      await checkQuery(pairs.length === 0 ? '/' : `/?${pairs.join('&')}`, query)
    }),
  )
})

test('a query that is written carelessly is signed as what it means', async () => {
  for (const [target, query] of [
    ['', {}],
    ['/?a', { a: '' }],
    ['/?&a=&', { a: '' }],
    ['/?%zz=1', { '%zz': '1' }],
  ] as const) {
    await checkQuery(target, { ...query })
  }
})

test('requests as ours are signed as the official signer signs them', async () => {
  const anyToken = fc.string({
    unit: fc.constantFrom(...'abcXYZ019+/='),
    size: 'max',
    minLength: 1,
    maxLength: 90,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        body: fc.uint8Array({ maxLength: 300 }),
        region: fc.constantFrom('us-east-1', 'eu-central-1', 'cn-north-1'),
        host: fc.constantFrom('kinesis.us-east-1.amazonaws.com', '127.0.0.1:4567', '[::1]:4567'),
        action: fc.constantFrom('PutRecords', 'ListShards'),
        sessionToken: fc.option(anyToken),
        secretAccessKey: anyToken,
        wallMs: fc.integer({ min: 0, max: 4102444799999 }),
      }),
      async ({ body, region, host, action, sessionToken, secretAccessKey, wallMs }) => {
        const credentials = {
          accessKeyId: 'AKID',
          secretAccessKey,
          ...(sessionToken === null ? {} : { sessionToken }),
        }
        const headers = {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `Kinesis_20131202.${action}`,
        }
        const expected = await officialOf(credentials, region).sign(
          {
            method: 'POST',
            protocol: 'https:',
            hostname: host,
            path: '/',
            query: {},
            headers: { host, ...headers },
            body,
          },
          { signingDate: new Date(wallMs) },
        )

        const signed = new Signer({ region, service: 'kinesis' }).sign(
          { method: 'POST', target: '/', host, headers: Object.entries(headers).flat(), body },
          credentials,
          wallMs,
        )

        for (const name of ['authorization', 'x-amz-date', 'x-amz-security-token']) {
          assert.equal(valueIn(signed, name), expected.headers[name])
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('one signer serves other days and other keys', () => {
  const request = { method: 'POST', target: '/', host: 'h', headers: [], body: Buffer.alloc(0) }
  const options = { region: 'us-east-1', service: 'kinesis' }
  const signer = new Signer(options)
  const dayMs = 86_400_000
  const keys = ['one', 'two'].map((secretAccessKey) => ({ accessKeyId: 'id', secretAccessKey }))
  for (const credentials of [...keys, ...keys]) {
    for (const wallMs of [0, dayMs - 1, dayMs, 0]) {
      const afresh = new Signer(options).sign(request, credentials, wallMs)
      assert.deepEqual(signer.sign(request, credentials, wallMs), afresh)
    }
  }
})

test('dates are those of the Gregorian calendar, every three weeks from 1970 to 2100', () => {
  const signer = new Signer({ region: 'r', service: 's' })
  const request = { method: 'POST', target: '/', host: 'h', headers: [], body: Buffer.alloc(0) }
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
  const leapDays = [2000, 2024, 2096].map((year) => Date.UTC(year, 1, 29, 23, 59, 59))
  const ends = [2023, 2100].flatMap((year) => [Date.UTC(year, 1, 28), Date.UTC(year, 2, 1) - 1])
  const instants = [...leapDays, ...ends, Date.UTC(1999, 11, 31, 23, 59, 59, 999)]
  for (let wallMs = 0; wallMs <= Date.UTC(2100, 11, 31); wallMs += 20 * 86_400_000 - 12_345_678) {
    instants.push(wallMs)
  }
  for (const wallMs of instants) {
    const expected = new Date(wallMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const headers = signer.sign(request, credentials, wallMs)
    assert.equal(valueIn(headers, 'x-amz-date'), expected)
  }
})
