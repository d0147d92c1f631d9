import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awsCredentials } from '../../src/host/node/index.ts'

/** What the official chain looks at first. */
const VARIABLES = {
  AWS_ACCESS_KEY_ID: 'AKID',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'token',
  AWS_CREDENTIAL_EXPIRATION: '2030-01-01T00:00:00Z',
}

test('keys of the official chain come with their token and their end, asked afresh', async (t) => {
  const before = Object.keys({ ...VARIABLES, AWS_PROFILE: '' }).map((name) => {
    return [name, process.env[name]] as const
  })
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  delete process.env['AWS_PROFILE']
  Object.assign(process.env, VARIABLES)
  const credentials = awsCredentials()

  assert.deepEqual(await credentials(), {
    accessKeyId: 'AKID',
    secretAccessKey: 'secret',
    sessionToken: 'token',
    expiresAtMs: Date.UTC(2030, 0, 1),
  })
  delete process.env['AWS_SESSION_TOKEN']
  delete process.env['AWS_CREDENTIAL_EXPIRATION']
  process.env['AWS_ACCESS_KEY_ID'] = 'OTHER'
  assert.deepEqual(await credentials(), { accessKeyId: 'OTHER', secretAccessKey: 'secret' })
})
