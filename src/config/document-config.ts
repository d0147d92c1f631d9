// The tables as people read them.

import { type Field, type Fields, isField } from './field.ts'

export interface DocumentedField {
  /** Such as `backpressure.threshold`. */
  readonly path: string
  readonly field: Field<unknown>
}

/** Every field of a table, sections flattened, in the table's order. */
export function fieldsOf(fields: Fields, prefix = ''): DocumentedField[] {
  return Object.entries(fields).flatMap(([name, field]) =>
    isField(field) ? [{ path: prefix + name, field }] : fieldsOf(field, `${prefix}${name}.`),
  )
}

/** A Markdown table: setting, default, allowed, environment, meaning. */
export function markdownOf(fields: Fields): string {
  const rows = fieldsOf(fields).map(({ path, field }) => {
    const env = field.env === null ? '' : `\`${field.env}\``
    const allowed = field.allowed.replaceAll('|', '\\|')
    return `| \`${path}\` | ${defaultOf(field)} | ${allowed} | ${env} | ${field.says} |`
  })
  return [
    '| Setting | Default | Allowed | Environment | Means |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

function defaultOf(field: Field<unknown>): string {
  return field.default === '' ? '' : `\`${JSON.stringify(field.default)}\``
}
