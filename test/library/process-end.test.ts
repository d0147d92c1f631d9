// What keeps a process alive that has a producer and does not close it.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

test('a process lives until its records have settled, and no longer', () => {
  const door = (name: string) =>
    JSON.stringify(new URL(`../../src/library/${name}.ts`, import.meta.url).href)
  const source = `
    import { startKinesis } from ${door('kinesis')}
    import { KinesisProducer } from ${door('producer')}
    const kinesis = await startKinesis({ streams: { s: 1 } })
    import { uploadMetrics } from ${door('cloudwatch')}
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
    const producer = new KinesisProducer({ endpoint: kinesis.endpoint, credentials })
    // Uploads once a minute, and is not closed either.
    await uploadMetrics(producer, { region: 'eu-west-1' })
    producer.addUserRecords([{ stream: 's', partitionKey: 'k', data: 'v' }], async (result) => {
      console.log(result.isDelivered)
      await kinesis.close()
      // The statistics that are said every 15 s wait by now.
      const left = process.getActiveResourcesInfo()
      console.log(left.filter((name) => name === 'Timeout' || name === 'TCPSocketWrap').join())
    })
    process.on('exit', () => console.log('ended'))`
  const args = ['--input-type=module', '-e', source]
  const said = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n')
  assert.deepEqual(said, ['true', '', 'ended'])
})
