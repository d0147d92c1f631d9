// The official client, for the embedded Kinesis: it takes any keys.

import { KinesisClient } from '@aws-sdk/client-kinesis'

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

export async function withSdk<T>(
  endpoint: string,
  work: (sdk: KinesisClient) => Promise<T>,
): Promise<T> {
  const sdk = new KinesisClient({ endpoint, region: 'us-east-1', credentials })
  try {
    return await work(sdk)
  } finally {
    sdk.destroy()
  }
}
