// The filters of a request to the admin address: `?stream=s1&code=Expired&since=…&limit=100`.

import { ALL_LETTERS, type LetterFilter } from './filter.ts'

export const LIMIT_DEFAULT = 100
export const LIMIT_MAX = 10_000

export interface AdminQuery {
  readonly filter: LetterFilter
  readonly limit: number
  /** `all=true`: every letter is meant, and whoever asks knows it. */
  readonly isAll: boolean
}

const NAMES = ['stream', 'code', 'receipt', 'since', 'after', 'upTo', 'limit', 'all']

/** What a query string asks for, or what is wrong with it. */
export function readAdminQuery(text: string): AdminQuery | { readonly problem: string } {
  const query = new URLSearchParams(text)
  for (const name of query.keys()) {
    if (!NAMES.includes(name))
      return { problem: `${name} is unknown; ${NAMES.join(', ')} are known.` }
    if (query.getAll(name).length > 1) return { problem: `${name} is said twice.` }
  }
  const numbers = { since: null, after: null, upTo: null, limit: null } as NumberParts
  for (const name of ['since', 'after', 'upTo', 'limit'] as const) {
    const value = query.get(name)
    if (value === null) continue
    if (!/^[0-9]{1,15}$/.test(value))
      return { problem: `${name} takes a whole number, not ${value}.` }
    numbers[name] = Number(value)
  }
  const limit = numbers.limit ?? LIMIT_DEFAULT
  if (limit > LIMIT_MAX) return { problem: `limit is at most ${LIMIT_MAX}.` }
  const all = query.get('all')
  if (all !== null && all !== 'true') return { problem: 'all takes true, or is left out.' }
  const filter = {
    ...ALL_LETTERS,
    stream: query.get('stream'),
    code: query.get('code'),
    receipt: query.get('receipt'),
    sinceMs: numbers.since,
    after: numbers.after,
    upTo: numbers.upTo,
  }
  return { filter, limit, isAll: all === 'true' }
}

type NumberParts = Record<'since' | 'after' | 'upTo' | 'limit', number | null>

/** The other way round: what a client sends. */
export function adminQueryText({ filter, limit, isAll }: AdminQuery): string {
  const { sinceMs: since, ...others } = filter
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...others, since, limit })) {
    if (value !== null) query.set(name, String(value))
  }
  if (isAll) query.set('all', 'true')
  return query.toString()
}
