// How long a close may take.

/** Without it nobody knows how long to wait. */
export function deadlineOf(options: { readonly deadlineMs: number } | undefined): number {
  const deadlineMs: unknown = options?.deadlineMs
  if (typeof deadlineMs === 'number' && deadlineMs >= 0) return deadlineMs
  throw new TypeError('close: deadlineMs is needed, milliseconds from 0 on')
}
