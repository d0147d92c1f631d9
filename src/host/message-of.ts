/**
 * What was thrown, in words and on one line: anything can be thrown. OpenSSL's messages end with a
 * line break; an error of several, one for each address that was tried, has none of its own.
 */
export function messageOf(error: unknown): string {
  const isMany = error instanceof AggregateError && error.message === ''
  const text = isMany
    ? error.errors.map(messageOf).join('; ')
    : error instanceof Error
      ? error.message
      : String(error)
  return text.trim().replaceAll(/\s*\n\s*/g, ' ')
}
