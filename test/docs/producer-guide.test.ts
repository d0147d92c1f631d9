// Every TypeScript example of docs/producer.md is run, as a program of its own, against an embedded
// Kinesis: it must end by itself and without an error, and its records must have arrived.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { startKinesis } from '../../src/library/kinesis.ts'
import { portOf } from '../host/tls-and-proxy.ts'
import { readAll } from './read-all.ts'

/** The headings with examples in their order, and the user records that each puts into `clicks`. */
const EXAMPLES: readonly [heading: string, recordCounts: readonly number[]][] = [
  ['One record', [1]],
  ['Many records', [1000]],
  ['A whole source', [1000, 3]],
  ['Back pressure', [500]],
  ['Failures and attempts', [1]],
  ['Order', [200]],
  ['Flush and close', [1]],
  ['In AWS Lambda', [3]],
  ['Settings', [1]],
  ['Metrics', [1, 1, 1]],
  // The first has a Kinesis of its own.
  ['In tests', [0]],
  ['From the AWS SDK', [2, 0]],
]

/** What lies beside each example. */
const FILES = {
  'access.log': '10.0.0.1 GET /\n10.0.0.2 GET /a\n10.0.0.1 GET /b\n',
  'kpl.properties': 'RecordMaxBufferedTime = 250\nThreadingModel = POOLED\n',
}

const page = readFileSync('docs/producer.md', 'utf8')

function examplesUnder(heading: string): string[] {
  const [section = ''] = page.split(`\n## ${heading}\n`)[1]?.split('\n## ') ?? []
  return [...section.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!)
}

/** An example as it stands, but with our sources and with stand-ins for the services of AWS. */
function programOf(code: string, kinesis: string, cloudWatch: string): string {
  return code
    .replaceAll(/'headgate\/(\w+)'/g, (_, door: string) => {
      return `'${pathToFileURL(`src/library/${door}.ts`).href}'`
    })
    .replaceAll("region: 'eu-central-1'", `region: 'eu-central-1', endpoint: '${kinesis}'`)
    .replaceAll('uploadMetrics(producer)', `uploadMetrics(producer, { endpoint: '${cloudWatch}' })`)
    .replaceAll('listen(9464)', "listen(0, '127.0.0.1')")
}

/** Takes whatever is uploaded. */
async function anyCloudWatch(t: TestContext) {
  let requestCount = 0
  const server = createServer((request, response) => {
    requestCount++
    request.resume()
    response.setHeader('content-type', 'application/x-amz-json-1.0').end('{}')
  })
  const port = await portOf(t, server)
  return { endpoint: `http://127.0.0.1:${port}`, requestCount: () => requestCount }
}

/** What the program prints; rejects when it fails. */
async function run(t: TestContext, program: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(directory, name), text)
  const path = join(directory, 'example.mts')
  writeFileSync(path, program)
  // Nothing else of the environment, which may name other keys or a proxy.
  const env = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' }
  const { stdout } = await promisify(execFile)(process.execPath, [path], { cwd: directory, env })
  return stdout
}

test('every example of the guide is known here', () => {
  const counted = EXAMPLES.map(([heading]) => examplesUnder(heading).length)
  const known = EXAMPLES.map(([, recordCounts]) => recordCounts.length)
  assert.deepEqual(counted, known)
  const total = known.reduce((sum, count) => sum + count, 0)
  assert.equal(page.match(/^```ts$/gm)?.length, total)
})

for (const [heading, recordCounts] of EXAMPLES) {
  for (const [index, recordCount] of recordCounts.entries()) {
    test(`the guide, ${heading}, example ${index + 1} delivers ${recordCount}`, async (t) => {
      const kinesis = await startKinesis({ streams: { clicks: 2 } })
      t.after(() => kinesis.close())
      const cloudWatch = await anyCloudWatch(t)
      const code = examplesUnder(heading)[index]!

      const printed = await run(t, programOf(code, kinesis.endpoint, cloudWatch.endpoint))

      // What the page says that it prints: `console.log(…) // so`.
      for (const [, said] of code.matchAll(/^console\.log\(.*\) \/\/ (.*?)(?:, from .*)?$/gm)) {
        assert.ok(printed.includes(said!), `${said} is not in: ${printed}`)
      }
      assert.equal(cloudWatch.requestCount() > 0, code.includes('uploadMetrics'))
      const { endpoint } = kinesis
      const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
      const client = new KinesisClient({ endpoint, region: 'eu-central-1', credentials })
      t.after(() => client.destroy())
      assert.equal((await readAll(client, 'clicks')).length, recordCount)
    })
  }
}
