// Keys as a program has them: the AWS SDK's own shape, or ours, in a function or as they are.

import type { CredentialsProvider } from '../producer/index.ts'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  /** When they expire, a `Date`, as the AWS SDKs say it. */
  readonly expiration?: { getTime(): number } | undefined
  /** The same in milliseconds since the Unix epoch. */
  readonly expiresAtMs?: number | undefined
}

/** Keys that last, or a function that promises some: any credentials provider of the AWS SDK. */
export type CredentialsOption = Keys | (() => Keys | Promise<Keys>)

/** Throws `TypeError` for what is neither; what the function gives is looked at when it does. */
export function credentialsOf(option: CredentialsOption): CredentialsProvider {
  if (typeof option === 'function') return async () => keysOf(await option())
  const keys = keysOf(option)
  return () => Promise.resolve(keys)
}

function keysOf(given: Keys | null | undefined): Awaited<ReturnType<CredentialsProvider>> {
  const { accessKeyId, secretAccessKey, sessionToken, expiration, expiresAtMs } = given ?? {}
  if (!isText(accessKeyId) || !isText(secretAccessKey)) {
    throw new TypeError('credentials: accessKeyId and secretAccessKey are needed')
  }
  const atMs = expiresAtMs ?? expiration?.getTime()
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(atMs === undefined ? {} : { expiresAtMs: atMs }),
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
