// Why the service refused a request, however it says so.

import { decodeObject } from './messages.ts'
import { headerOf, type RawHeaders } from './raw-headers.ts'
import type { WireFormat } from './wire-format.ts'

export interface ErrorAnswer {
  /** The bare name, such as `ResourceNotFoundException`; `Http503` when nothing names it. */
  readonly code: string
  readonly message: string
}

/** Messages and names end up in logs and results: what is longer is cut. */
const CODE_MAX_CHARACTERS = 128
const MESSAGE_MAX_CHARACTERS = 1024

/**
 * Reads an answer that is not 200. Never throws: what cannot be read (a proxy's page, half an
 * answer) becomes a code with the HTTP status.
 */
export function decodeError(
  format: WireFormat,
  status: number,
  headers: RawHeaders,
  body: Uint8Array,
): ErrorAnswer {
  const fields = fieldsOf(format, body)
  const named = [headerOf(headers, 'x-amzn-errortype'), fields['__type'], fields['code']]
  const code = named.map(bareName).find((name) => name !== '') ?? `Http${status}`
  const texts = [fields['message'], fields['Message'], fields['errorMessage']]
  const message = texts.find((text) => typeof text === 'string') ?? fallbackMessage(status, body)
  return {
    code: code.slice(0, CODE_MAX_CHARACTERS),
    message: (message as string).slice(0, MESSAGE_MAX_CHARACTERS),
  }
}

function fieldsOf(format: WireFormat, body: Uint8Array): Record<string, unknown> {
  try {
    return decodeObject(format, body)
  } catch {
    return {}
  }
}

/** `com.amazonaws.kinesis.v20131202#Name:http://…` to `Name`. */
function bareName(value: unknown): string {
  if (typeof value !== 'string') return ''
  const name = value.slice(value.indexOf('#') + 1)
  const colon = name.indexOf(':')
  return (colon < 0 ? name : name.slice(0, colon)).trim()
}

function fallbackMessage(status: number, body: Uint8Array): string {
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, 200))
  const text = start
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
  return text === '' ? `HTTP ${status}` : `HTTP ${status}: ${text}`
}
