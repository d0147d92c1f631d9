// What is looked for in a JSON document, what is found, and what is wrong with it.

/** Arrays and objects within each other. */
export const JSON_MAX_DEPTH = 512

export type JsonType = 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array'

/** Where a value is: `end` is the place after its last byte. */
export interface JsonValue {
  readonly type: JsonType
  readonly start: number
  readonly end: number
}

type JsonErrorCode = 'not-utf8' | 'not-json' | 'too-deep'

const WORDS: Readonly<Record<JsonErrorCode, (offset: number) => string>> = {
  'not-utf8': () => 'bytes in it that are no UTF-8',
  'not-json': (offset) => `no JSON at byte ${offset}`,
  'too-deep': (offset) =>
    `more than ${JSON_MAX_DEPTH} arrays and objects within each other at byte ${offset}`,
}

/** The bytes are no JSON, or too deep. */
export class JsonError extends Error {
  readonly code: JsonErrorCode
  /** The byte at which that was clear; of what is no UTF-8 it is not known. */
  readonly offset: number
  constructor(code: JsonErrorCode, offset: number) {
    super(WORDS[code](offset))
    this.name = 'JsonError'
    this.code = code
    this.offset = offset
  }
}

/** A member's name or an item's index, ready to be looked for. */
export interface JsonName {
  readonly text: string
  readonly utf8: Buffer
  /** The item of an array that it means, or -1. */
  readonly index: number
}

function jsonName(text: string): JsonName {
  const index = /^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : -1
  return { text, utf8: Buffer.from(text), index }
}

/** What is sought in a document: a value, and what is within it. */
export interface Sought {
  /** Which of the paths end here. */
  readonly paths: readonly number[]
  readonly inner: readonly { readonly name: JsonName; readonly sought: Sought }[]
  /** The paths that end here or further in. */
  readonly allPaths: readonly number[]
}

/** The values that some paths lead to, as one thing to seek; no names mean the whole document. */
export function soughtAt(...paths: readonly (readonly string[])[]): Sought {
  const all = paths.map((tokens, path) => ({ tokens, path }))
  return soughtFrom(all, 0)
}

interface Path {
  readonly tokens: readonly string[]
  readonly path: number
}

function soughtFrom(paths: readonly Path[], depth: number): Sought {
  const longer = paths.filter(({ tokens }) => tokens.length > depth)
  const names = [...new Set(longer.map(({ tokens }) => tokens[depth]!))]
  return {
    paths: paths.filter(({ tokens }) => tokens.length === depth).map(({ path }) => path),
    inner: names.map((name) => {
      const within = longer.filter(({ tokens }) => tokens[depth] === name)
      return { name: jsonName(name), sought: soughtFrom(within, depth + 1) }
    }),
    allPaths: paths.map(({ path }) => path),
  }
}
