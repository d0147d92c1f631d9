// Keys from wherever AWS keeps them: the SDK's own provider chain, because its corners (profiles,
// SSO, containers, instance metadata, web identity) are many and are none of ours.

export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** Milliseconds since the epoch; absent for keys that last. */
  readonly expiresAtMs?: number
}

/**
 * Asks environment, profiles, SSO, web identity, container and instance in the SDK's order; each
 * call asks afresh. The chain is loaded only when it is first asked: it is the largest thing we
 * depend on, and nobody with keys of his own needs it.
 */
export function awsCredentials(): () => Promise<AwsKeys> {
  return async () => {
    const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
    const keys = await defaultProvider()()
    return {
      accessKeyId: keys.accessKeyId,
      secretAccessKey: keys.secretAccessKey,
      ...(keys.sessionToken === undefined ? {} : { sessionToken: keys.sessionToken }),
      ...(keys.expiration === undefined ? {} : { expiresAtMs: keys.expiration.getTime() }),
    }
  }
}
