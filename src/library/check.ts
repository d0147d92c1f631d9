// What a program hands in, looked at before it is used: what is wrong has a name then.

/** Throws `TypeError` for what is no object; `what` says whose and which. */
export function checkObject(what: string, value: unknown): void {
  if (typeof value === 'object' && value !== null) return
  throw new TypeError(`${what}: an object is needed`)
}

/** Throws `TypeError` for what is no text. */
export function checkText(what: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`${what}: a string is needed`)
}

/** Throws `TypeError` for what is neither a text nor left out. */
export function checkTextIfSaid(what: string, value: unknown): void {
  if (value !== undefined) checkText(what, value)
}
