// Keys as a program has them: the AWS SDK's own shape, or ours, in a function or as they are.

import type { CredentialsProvider } from '../producer/index.ts'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | null | undefined
  /** When they expire, a `Date`, as the AWS SDKs say it. */
  readonly expiration?: { getTime(): number } | null | undefined
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
  // Nothing is also written as null, or as an empty text.
  if (sessionToken != null && typeof sessionToken !== 'string') {
    throw new TypeError('credentials: sessionToken is no text')
  }
  const atMs = expiresAtMs ?? instantOf(expiration)
  if (atMs !== undefined && !Number.isFinite(atMs)) {
    throw new TypeError('credentials: expiration, a Date, or expiresAtMs is no instant')
  }
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken ? { sessionToken } : {}),
    ...(atMs === undefined ? {} : { expiresAtMs: atMs }),
  }
}

/** NaN for what is no `Date`, such as its text. */
function instantOf(expiration: Keys['expiration'] | null): number | undefined {
  if (expiration == null) return undefined
  return typeof expiration.getTime === 'function' ? expiration.getTime() : Number.NaN
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
