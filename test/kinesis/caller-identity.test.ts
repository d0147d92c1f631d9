import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUERY_BODY_MAX_BYTES } from '../../src/kinesis/caller-identity.ts'
import { Bench, header } from './bench-top.ts'

/** Of a KPL 1.0.4. */
const ASKED = 'Action=GetCallerIdentity&Version=2011-06-15'
const FORM = ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8']

test('a KPL before 1.0.5 is told whose account it writes to', async () => {
  const bench = await Bench.open({ config: { accountId: '000000000042' } })

  const answer = await bench.exchange('POST', FORM, Buffer.from(ASKED))

  assert.equal(answer.status, 200)
  assert.equal(header(answer, 'content-type'), 'text/xml')
  const xml = answer.body.toString()
  assert.match(xml, /^<GetCallerIdentityResponse xmlns="https:\/\/sts\.amazonaws\.com\//)
  assert.match(xml, /<Arn>arn:aws:iam::000000000042:user\/headgate<\/Arn>/)
  assert.match(xml, /<Account>000000000042<\/Account>/)
})

test('of the query protocol nothing else is answered, and nothing that is long is read', async () => {
  const bench = await Bench.open()
  const ask = async (body: string) => {
    const answer = await bench.exchange('POST', FORM, Buffer.from(body))
    return `${answer.status} ${/<Code>(\w+)</.exec(answer.body.toString())?.[1]}`
  }
  const longest = ASKED.padEnd(QUERY_BODY_MAX_BYTES, '&')

  assert.equal(await ask('Action=AssumeRole&Version=2011-06-15'), '400 InvalidAction')
  assert.equal(await ask(''), '400 InvalidAction')
  assert.equal(await ask(longest.slice(1)), '400 InvalidAction')
  assert.equal(await ask(longest), '200 undefined')
  assert.equal(await ask(`${longest}&`), '413 RequestEntityTooLarge')
})
