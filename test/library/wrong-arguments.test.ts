// What no type allows and JavaScript hands in all the same: an error that says what is needed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uploadMetrics } from '../../src/library/cloudwatch.ts'
import { startKinesis } from '../../src/library/kinesis.ts'
import {
  KinesisProducer,
  kplAttemptsOf,
  producerOptionsFromProperties,
  producerOptionsFromPropertiesFile,
} from '../../src/library/producer.ts'

const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
const OPTIONS = { region: 'eu-west-1', endpoint: 'http://127.0.0.1:9', credentials }

type Calls = Readonly<Record<string, (value: never) => unknown>>

/** Each call throws or rejects with a `TypeError` that begins with its name. */
async function refuses(calls: Calls, values: readonly unknown[]): Promise<void> {
  for (const [begin, call] of Object.entries(calls)) {
    for (const value of values) {
      const expected = (error: unknown) =>
        error instanceof TypeError && error.message.startsWith(`${begin}: `)
      await assert.rejects(async () => call(value as never), expected, `${begin} of ${value}`)
    }
  }
}

test('a producer says what its methods need', async () => {
  const producer = new KinesisProducer(OPTIONS)
  const noObjects = [null, 5, 'x']
  await refuses({ addAll: (source) => producer.addAll(source) }, [null, undefined, 5, {}, () => {}])
  await refuses({ onFailed: (onFailed) => producer.addAll([], onFailed) }, [null, 5, {}])
  await refuses(
    {
      writable: (options) => producer.writable(options),
      takeMetrics: (options) => producer.takeMetrics(options),
    },
    noObjects,
  )
  await refuses(
    {
      'flush: stream': (stream) => producer.flush(stream),
      'getMetrics: name': (name) => producer.getMetrics(name),
    },
    [5, {}],
  )
  await refuses({ 'flush: stream': (stream) => producer.flush(stream) }, [null])
  await refuses({ close: (options) => producer.close(options) }, [null, undefined, 5, {}])
  assert.deepEqual(await producer.addAll(new Set<never>()), { delivered: 0, failed: 0 })
  assert.equal(producer.getMetrics(null).length, producer.getMetrics().length)
  await producer.flush()
  assert.equal(await producer.close({ deadlineMs: 0 }), 0)
})

test("a KPL's file, its path and what is told of it are looked at", async () => {
  const noTexts = [null, undefined, 5, {}]
  await refuses(
    {
      'the text of a .properties file': (text) => producerOptionsFromProperties(text),
      'the path of a .properties file': (path) => producerOptionsFromPropertiesFile(path),
    },
    noTexts,
  )
  await refuses(
    {
      options: (options) => producerOptionsFromProperties('', options),
      log: (log) => producerOptionsFromProperties('', { log }),
      name: (name) => producerOptionsFromProperties('', { name }),
    },
    [null, 5],
  )
  await refuses({ kplAttemptsOf: (told) => kplAttemptsOf(told) }, [
    null,
    undefined,
    5,
    {},
    { arrivalAtMs: 1, attempts: null },
    { arrivalAtMs: '1', attempts: [] },
  ])
  assert.deepEqual(kplAttemptsOf({ arrivalAtMs: 1, attempts: [] }), [])
})

test('an upload of metrics says what it needs', async () => {
  const producer = new KinesisProducer(OPTIONS)
  await refuses({ uploadMetrics: (one) => uploadMetrics(one) }, [null, undefined, 5, {}])
  await refuses(
    {
      'uploadMetrics: options': (options) => uploadMetrics(producer, options),
      'uploadMetrics: region': (region) => uploadMetrics(producer, { region }),
      'uploadMetrics: endpoint': (endpoint) => uploadMetrics(producer, { endpoint }),
      credentials: (keys) => uploadMetrics(producer, { credentials: keys }),
      log: (log) => uploadMetrics(producer, { log }),
    },
    [null, 5],
  )
  const upload = await uploadMetrics(producer)
  await refuses({ close: (options) => upload.close(options) }, [null, undefined, 5, {}])
  await upload.close({ deadlineMs: 0 })
  await producer.close({ deadlineMs: 0 })
})

test('an embedded Kinesis says what it needs, and leaves nothing open', async () => {
  await refuses(
    {
      startKinesis: (options) => startKinesis(options),
      'startKinesis: dataDirectory': (dataDirectory) => startKinesis({ dataDirectory }),
      'startKinesis: host': (host) => startKinesis({ host }),
      'startKinesis: streams': (streams) => startKinesis({ streams }),
      log: (log) => startKinesis({ log }),
    },
    [null, 5],
  )
})
