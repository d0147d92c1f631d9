import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choice, integer } from '../../src/config/index.ts'
import { saySettings } from '../../tools/build/say-settings.ts'

const FIELDS = {
  recordTtl: integer({ default: 30, min: 1, max: 60, unit: 'ms', says: 'When it ends.' }),
  ordering: choice(['none', 'key'], { default: 'none', says: 'What comes first.' }),
}
const DECLARATION = `export declare const fields: {
    recordTtl: import("../config/field.ts").Field<number>;
    ordering: import("../config/field.ts").Field<"key" | "none">;
};
export type Config = Parsed<typeof fields>;
`

test('each setting of a declaration has its sentence, its range and its default', () => {
  assert.deepEqual(saySettings(DECLARATION, FIELDS).split('\n').slice(1, 5), [
    '    /** When it ends. Allowed: 1..60 ms. Default: 30. */',
    '    recordTtl: import("../config/field.ts").Field<number>;',
    '    /** What comes first. Allowed: none | key. Default: "none". */',
    '    ordering: import("../config/field.ts").Field<"key" | "none">;',
  ])
})

test('a setting that is nowhere declared is no build', () => {
  const without = DECLARATION.replace('ordering', 'order')
  assert.throws(() => saySettings(without, FIELDS), /not declared: ordering/)
})
