import type { IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'

/** What the official client for CloudWatch has put: it packs what is large. */
export async function putBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const raw = Buffer.concat(chunks)
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
}
