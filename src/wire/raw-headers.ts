/** Names and values in turn, names in any case; the same shape as the host's. */
export type RawHeaders = readonly string[]

/** The first header of that name (`lowerCaseName` is written in lower case), or null. */
export function headerOf(headers: RawHeaders, lowerCaseName: string): string | null {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === lowerCaseName) return headers[i + 1]!
  }
  return null
}
