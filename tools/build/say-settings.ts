// What a setting means, at the setting: the compiler's declarations of our tables get the tables'
// own sentences as comments, which an editor then shows beside the option.

import { type Fields, fieldsOf } from '../../src/config/index.ts'

/** The declaration with a comment before each field of the table. Throws when one is not there. */
export function saySettings(declaration: string, fields: Fields): string {
  const missing = new Map(fieldsOf(fields).map(({ path, field }) => [path, field]))
  const said = declaration.replace(/^( +)(\w+): .*\bField<.*$/gm, (line, indent, name) => {
    const field = missing.get(name)
    if (field === undefined) return line
    missing.delete(name)
    const { says, allowed, default: fallback } = field
    const value = fallback === '' ? 'nothing' : JSON.stringify(fallback)
    const text = `${says} Allowed: ${allowed}. Default: ${value}.`.replaceAll('*/', '*\\/')
    return `${indent}/** ${text} */\n${line}`
  })
  if (missing.size > 0) throw new Error(`not declared: ${[...missing.keys()].join(', ')}`)
  return said
}
