// The KPL's configuration file, as it is, to our settings.

import {
  ConfigError,
  type Field,
  type Fields,
  isField,
  nearest,
  type Parsed,
  type Problem,
  type Property,
  parseProperties,
} from '../config/index.ts'
import { producerFields } from './config.ts'
import { transportFields, userRecordFields, vestigialFields } from './kpl-config.ts'

const effectiveFields = { ...producerFields, ...transportFields, ...userRecordFields }

/** What a file can say, with effect. */
export type KplSettings = Partial<Parsed<typeof effectiveFields>>

export interface KplFile {
  readonly settings: KplSettings
  /** What was said in vain, a sentence each with its place. */
  readonly warnings: readonly string[]
}

/**
 * Reads a `.properties` file of the KPL. Keys are ours in PascalCase, as there; unknown ones are a
 * warning, as there. Throws `ConfigError` with every value that is wrong.
 */
export function readKplProperties(name: string, text: string): KplFile {
  const settings: Record<string, unknown> = {}
  const problems: Problem[] = []
  const warnings: string[] = []
  for (const property of parseProperties(text)) {
    const where = `${name}:${property.line}`
    const key = settingOf(property.key)
    const field = key === null ? null : (FIELDS.get(key) ?? null)
    if (property.isMalformed) {
      const message = 'a \\u stands before four hexadecimal digits; a backslash is written \\\\'
      problems.push({ path: property.key, where, message })
      continue
    }
    if (key === null || field === null) {
      const guess = OLD_NAMES.get(property.key.toLowerCase()) ?? nearest(property.key, KEYS)
      const hint = guess === null ? '' : `; did you mean ${guess}?`
      warnings.push(`${where}: ${property.key} is no key that we know${hint}`)
      continue
    }
    const parsed = field.schema.safeParse(field.fromText(property.value))
    if (!parsed.success) {
      problems.push({ path: property.key, where, message: refusalOf(property, field) })
    } else if (Object.hasOwn(vestigialFields, key)) {
      warnings.push(`${where}: ${vestigialWarning(property.key, key)}`)
    } else settings[key] = parsed.data
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { settings: settings as KplSettings, warnings }
}

/** Says of a setting of the KPL that it has no effect, and why. */
export function vestigialWarning(name: string, setting = name): string {
  const field = (vestigialFields as Fields)[setting] as Field<unknown>
  return `${name} has no effect: ${field.says}`
}

const FIELDS = new Map<string, Field<unknown>>()
for (const [name, field] of Object.entries({ ...effectiveFields, ...vestigialFields } as Fields)) {
  if (isField(field)) FIELDS.set(name, field)
}

/** Every key as a file writes it. */
const KEYS = [...FIELDS.keys()].map((name) => name[0]!.toUpperCase() + name.slice(1))

/** In lower case: as the KPL's own sample had them for years after it had renamed them. */
const OLD_NAMES = new Map([
  ['port', 'KinesisPort'],
  ['customendpoint', 'KinesisEndpoint'],
])

/** The setting of a key: `recordTtl` of `RecordTtl`. Null for what does not begin like a key. */
function settingOf(key: string): string | null {
  return /^[A-Z]/.test(key) ? key[0]!.toLowerCase() + key.slice(1) : null
}

function refusalOf({ value }: Property, { allowed }: Field<unknown>): string {
  const shown = value.length > 60 ? `${value.slice(0, 57)}...` : value
  // The KPL's own sample has such a line, and does not load for it.
  const hint = value.endsWith(';') ? '; a line of a properties file ends without a semicolon' : ''
  return `${JSON.stringify(shown)} is not allowed; allowed is ${allowed}${hint}`
}
