// Records in a form that is compared and shown.

interface Plain {
  readonly partitionKey: string
  readonly explicitHashKey: unknown
  readonly data: Uint8Array
}

export function plain(records: readonly Plain[]): object[] {
  return records.map(({ partitionKey, explicitHashKey, data }) => ({
    partitionKey,
    explicitHashKey: explicitHashKey === null ? null : String(explicitHashKey),
    data: Buffer.from(data).toString('hex'),
  }))
}
