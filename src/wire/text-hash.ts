/**
 * A hash of a text's UTF-16 units, 32 bits with a sign: cheap, and not safe against texts that were
 * chosen to meet. Whoever uses fewer bits of it may take the upper ones, which are mixed best.
 */
export function textHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
}
