import type { Fields, Parsed } from './field.ts'

/** Of settings that were read from several tables together, those of one. */
export function partOf<F extends Fields>(fields: F, settings: Parsed<F>): Parsed<F> {
  const whole: Readonly<Record<string, unknown>> = settings
  const part = Object.fromEntries(Object.keys(fields).map((name) => [name, whole[name]]))
  return Object.freeze(part) as Parsed<F>
}
