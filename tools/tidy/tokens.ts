// TypeScript's tokens, as far as the checks need them: names, punctuation and strings with their
// lines; comments are gone, what stands between `${` and `}` in a template is code again. Written
// here because the compiler (TypeScript 7) offers no programming interface.

export interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'regex' | 'sign'
  /** As written; for a string, what stands between its quotes (escapes are left as they are). */
  readonly text: string
  readonly line: number
}

/** After these a `/` begins a regular expression, not a division. */
const BEFORE_REGEX = new Set(
  'return typeof instanceof in of new delete void throw case do else yield await'.split(' '),
)

const NAME_START = /[\p{ID_Start}$_#]/u
const SPACE = /\s/

export function tokensOf(text: string): Token[] {
  return new Scanner(text).scan()
}

class Scanner {
  readonly #text: string
  readonly #tokens: Token[] = []
  /** For each `{` that is open: whether its `}` goes on with a template. */
  readonly #braces: boolean[] = []
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  scan(): Token[] {
    if (this.#text.startsWith('#!')) this.#skipLine()
    while (this.#at < this.#text.length) this.#next()
    return this.#tokens
  }

  #next(): void {
    const character = this.#text[this.#at]!
    const two = this.#text.slice(this.#at, this.#at + 2)
    if (SPACE.test(character)) this.#advance(1)
    else if (two === '//') this.#skipLine()
    else if (two === '/*') this.#advance(this.#distanceTo('*/', 2))
    else if (character === "'" || character === '"') this.#string(character)
    else if (character === '`') this.#template()
    else if (character === '}' && this.#braces.pop() === true) this.#template()
    else if (character === '/' && this.#regexMayStand()) this.#match('regex', REGEX)
    else if (NAME_START.test(character)) this.#match('name', NAME)
    else if (/[0-9]/.test(character)) this.#match('number', NUMBER)
    else this.#sign(character, two)
  }

  #sign(character: string, two: string): void {
    if (character === '{') this.#braces.push(false)
    const text = two === '?.' || two === '=>' ? two : character
    this.#add('sign', text)
    this.#advance(text.length)
  }

  #string(quote: string): void {
    let end = this.#at + 1
    while (end < this.#text.length && this.#text[end] !== quote && this.#text[end] !== '\n') {
      end += this.#text[end] === '\\' ? 2 : 1
    }
    this.#add('string', this.#text.slice(this.#at + 1, end))
    this.#advance(end + 1 - this.#at)
  }

  /** From a backtick, or from the `}` after which the template goes on, to its end or next `${`. */
  #template(): void {
    let end = this.#at + 1
    for (; end < this.#text.length && this.#text[end] !== '`'; end++) {
      if (this.#text[end] === '\\') end++
      else if (this.#text.startsWith('${', end)) {
        this.#braces.push(true)
        end++
        break
      }
    }
    this.#add('string', this.#text.slice(this.#at + 1, end))
    this.#advance(end + 1 - this.#at)
  }

  #match(kind: Token['kind'], pattern: RegExp): void {
    pattern.lastIndex = this.#at
    const text = pattern.exec(this.#text)?.[0] ?? this.#text[this.#at]!
    this.#add(kind, text)
    this.#advance(text.length)
  }

  #regexMayStand(): boolean {
    const last = this.#tokens.at(-1)
    if (last === undefined) return true
    if (last.kind === 'name') return BEFORE_REGEX.has(last.text)
    return last.kind === 'sign' && last.text !== ')' && last.text !== ']' && last.text !== '}'
  }

  #skipLine(): void {
    this.#advance(this.#distanceTo('\n', 0))
  }

  #distanceTo(end: string, from: number): number {
    const found = this.#text.indexOf(end, this.#at + from)
    return (found === -1 ? this.#text.length : found + end.length) - this.#at
  }

  #add(kind: Token['kind'], text: string): void {
    this.#tokens.push({ kind, text, line: this.#line })
  }

  #advance(length: number): void {
    for (let i = this.#at; i < this.#at + length; i++) if (this.#text[i] === '\n') this.#line++
    this.#at += length
  }
}

const NAME = /#?[\p{ID_Continue}$\u200c\u200d]+/uy
const NUMBER = /[0-9][0-9a-zA-Z_]*(?:\.[0-9][0-9a-zA-Z_]*)?/y
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
