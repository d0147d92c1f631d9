// Settings are described once, in one table a room: name, default, range, one sentence. From the
// table come the parsed value with its type, the messages, the help and the documentation.
//
//   export const recordFields = {
//     recordTtl: integer({ default: 30_000, min: 100, max: 86_400_000, unit: 'ms', says: '…' }),
//     backpressure: { threshold: integer({ … }) },       // a section
//   } satisfies Fields
//   export type RecordConfig = Parsed<typeof recordFields>

import { z } from 'zod'

export interface Field<T> {
  readonly kind: 'field'
  /** The value when nothing is said. */
  readonly default: T
  /** One sentence. */
  readonly says: string
  /** What is allowed, for people: `100..86400000 ms`. */
  readonly allowed: string
  /** The environment variable that sets it, if any. */
  readonly env: string | null
  /** Parses a value of a file or of the program. */
  readonly schema: z.ZodType<T>
  /**
   * Reads the text of an environment variable or a command's option; the schema judges the result.
   */
  readonly fromText: (text: string) => unknown
}

export type Fields = { readonly [name: string]: Field<unknown> | Fields }

export type Parsed<F> = F extends Field<infer T> ? T : { readonly [K in keyof F]: Parsed<F[K]> }

/** What may be said of some settings and left out of others. */
export type Partly<F> =
  F extends Field<infer T> ? T : { readonly [K in keyof F]?: Partly<F[K]> | undefined }

interface Described<T> {
  readonly default: T
  readonly says: string
  readonly env?: string
}

/**
 * As the upper end of a range: what Java's `long` can hold, 2^63-1. Above 2^53-1 we count no
 * further, which for a time or a size of that order makes no difference.
 */
export const LONG_MAX = 2 ** 63

interface Range {
  readonly min: number
  readonly max: number
  readonly unit?: string
}

/** A whole number, written in digits (`_` between them allowed in the environment). */
export function integer(options: Described<number> & Range): Field<number> {
  return make(options, rangeOf(options), wholeNumber(options), numberFromText)
}

/** A whole number, or one of some words that say what no number can. */
export function integerOr<const W extends string>(
  words: readonly [W, ...W[]],
  options: Described<number | W> & Range,
): Field<number | W> {
  const allowed = [...words, rangeOf(options)].join(' | ')
  const word = z.enum(words) as unknown as z.ZodType<W>
  return make(options, allowed, z.union([word, wholeNumber(options)]), numberFromText)
}

function wholeNumber({ min, max }: Range): z.ZodType<number> {
  if (max <= Number.MAX_SAFE_INTEGER) return z.int().min(min).max(max)
  const number = z.number().min(min).max(max).refine(Number.isInteger)
  return number.transform((value) => Math.min(value, Number.MAX_SAFE_INTEGER))
}

function rangeOf({ min, max, unit }: Range): string {
  const most = max === LONG_MAX ? '9223372036854775807' : max
  return `${min}..${most}${unit === undefined ? '' : ` ${unit}`}`
}

function numberFromText(text: string): number | string {
  return /^[+-]?[0-9][0-9_]*$/.test(text) ? Number(text.replaceAll('_', '')) : text
}

export function flag(options: Described<boolean>): Field<boolean> {
  const words = new Map<string, boolean>([
    ['true', true],
    ['false', false],
    ['1', true],
    ['0', false],
  ])
  return make(
    options,
    'true or false',
    z.boolean(),
    (text) => words.get(text.toLowerCase()) ?? text,
  )
}

/** `accepts`: looked at beside the pattern, for what no pattern can tell. */
export function text(
  options: Described<string> & {
    pattern?: RegExp
    allowed?: string
    accepts?: (text: string) => boolean
  },
): Field<string> {
  const { pattern, allowed = pattern?.source || 'any text', accepts = () => true } = options
  const schema = z.string().refine((text) => (pattern?.test(text) ?? true) && accepts(text))
  return make(options, allowed, schema, asIs)
}

/** Whether it is nothing, or a host that an address can have: none is called `1.2.3.4.5`. */
export function isHostOrNothing(host: string): boolean {
  return host === '' || URL.canParse(`https://${host}:443`)
}

export function choice<const T extends string>(
  values: readonly [T, ...T[]],
  options: Described<T>,
): Field<T> {
  return make(options, values.join(' | '), z.enum(values) as unknown as z.ZodType<T>, asIs)
}

/** Something with a shape of its own, such as a list of mappings; a zod schema says which. */
export function shaped<T>(
  options: Described<T> & { schema: z.ZodType<T>; allowed: string },
): Field<T> {
  return make(options, options.allowed, options.schema, asIs)
}

export function isField(value: Field<unknown> | Fields): value is Field<unknown> {
  return value['kind'] === 'field'
}

function asIs(text: string): string {
  return text
}

function make<T>(
  { default: fallback, says, env }: Described<T>,
  allowed: string,
  schema: z.ZodType<T>,
  fromText: (text: string) => unknown,
): Field<T> {
  return { kind: 'field', default: fallback, says, allowed, env: env ?? null, schema, fromText }
}
