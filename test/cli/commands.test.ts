import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { encodeAggregate } from '../../src/wire/index.ts'
import { run, running, temporaryDirectory } from './program.ts'

test('every command has help with an example', async () => {
  const general = await run(['--help'])
  assert.equal(general.exitCode, 0)
  for (const name of ['serve', 'kinesis', 'tail', 'check']) {
    assert.match(general.out, new RegExp(`\\b${name}\\b`))
    const help = await run([name, '--help'])
    assert.equal(help.exitCode, 0)
    assert.match(help.out, /Example:/)
  }
})

test('the version is the package’s', async () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  assert.equal((await run(['--version'])).out.trim(), version)
})

test('wrong usage exits with 2 and says what to do', async () => {
  for (const [args, says] of [
    [[], /Usage: headgate/],
    [['serv'], /Did you mean serve/],
    [['serve', '--prot', '1'], /unknown option '--prot'/],
    [['tail'], /missing required argument 'stream'/],
    [['tail', 's', '--from', 'yesterday-ish'], /latest, trim-horizon or a time/],
    [['tail', 's', '--count', '0'], /a number from 1 on/],
    [['serve', '--port', 'eighty'], /port: "eighty" is not allowed; allowed is 0..65535/],
  ] as const) {
    const ended = await run(args)
    assert.equal(ended.exitCode, 2, args.join(' '))
    assert.match(ended.err, says)
  }
})

test('tail takes aggregated records apart, and begins and ends where it is told', async (context) => {
  const kinesis = await running(['kinesis', '--port', '0'], temporaryDirectory(context))
  const endpoint = kinesis.facts['endpoint']!
  const credentials = { accessKeyId: 'any', secretAccessKey: 'thing' }
  const sdk = new KinesisClient({ endpoint, region: 'us-east-1', credentials })
  await sdk.send(new CreateStreamCommand({ StreamName: 'mixed', ShardCount: 1 }))
  const aggregate = encodeAggregate([
    { partitionKey: 'x', explicitHashKey: null, data: Buffer.from('one') },
    { partitionKey: 'y', explicitHashKey: null, data: Buffer.from([0xff, 0x00]) },
  ])
  const records = [
    { PartitionKey: 'a', Data: aggregate },
    { PartitionKey: 'plain', Data: Buffer.from('two') },
  ]
  await sdk.send(new PutRecordsCommand({ StreamName: 'mixed', Records: records }))
  sdk.destroy()

  const all = await run(['tail', 'mixed', '--count', '3', '--endpoint', endpoint])
  const two = await run(['tail', 'mixed', '--count', '2', '--from', '0', '--endpoint', endpoint])
  const missing = await run(['tail', 'nobody', '--endpoint', endpoint])
  await kinesis.stop('SIGTERM')

  const lines = all.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    lines.map(({ partitionKey, data, encoding, subSequenceNumber }) => [
      partitionKey,
      data,
      encoding,
      subSequenceNumber,
    ]),
    [
      ['x', 'one', undefined, 0],
      ['y', '/wA=', 'base64', 1],
      ['plain', 'two', undefined, null],
    ],
  )
  assert.equal(two.out.trim().split('\n').length, 2)
  assert.equal(missing.exitCode, 1)
  assert.match(missing.err, /ResourceNotFoundException/)
})

test('tail says when nobody answers', async () => {
  const ended = await run(['tail', 's2', '--endpoint', 'http://127.0.0.1:9'])
  assert.equal(ended.exitCode, 1)
  assert.match(ended.err, /No Kinesis answers at http:\/\/127\.0\.0\.1:9.*headgate serve/)
})

test('check shows the mappings, and looks at the streams of a service', async (context) => {
  const directory = temporaryDirectory(context)
  writeFileSync(
    `${directory}/headgate.yaml`,
    'mappings:\n  - { resource: r, stream: there, location: header, specification: K }\n' +
      '  - { resource: q, stream: there, location: header, specification: K,\n' +
      '      recordId: { location: body, specification: /id } }\n',
  )
  const local = await run(['check'], { cwd: directory })
  assert.equal(local.exitCode, 0)
  assert.match(local.out, /\/mappedIngest\/r -> stream there, key from header K\n/)
  const withId = /\/mappedIngest\/q -> stream there, key from header K, record id from body \/id\n/
  assert.match(local.out, withId)

  const kinesis = await running(['kinesis', '--port', '0'], directory)
  const args = ['check', '--endpoint', kinesis.facts['endpoint']!, '--json']
  const missing = await run(args, { cwd: directory })
  const credentials = { accessKeyId: 'any', secretAccessKey: 'thing' }
  const sdk = new KinesisClient({
    endpoint: kinesis.facts['endpoint']!,
    region: 'us-east-1',
    credentials,
  })
  await sdk.send(new CreateStreamCommand({ StreamName: 'there', ShardCount: 2 }))
  sdk.destroy()
  const there = await run(args, { cwd: directory })
  await kinesis.stop('SIGTERM')

  assert.equal(missing.exitCode, 1)
  assert.match(JSON.parse(missing.out).streams[0].finding, /ResourceNotFoundException/)
  assert.equal(there.exitCode, 0)
  assert.match(JSON.parse(there.out).streams[0].finding, /ACTIVE, 2 open shards/)
})

test('a bad configuration fails the check with 2', async () => {
  const ended = await run(['check'], { env: { RATE_LIMIT: 'fast' } })
  assert.equal(ended.exitCode, 2)
  assert.match(ended.err, /environment RATE_LIMIT: producer\.rateLimit/)
})
