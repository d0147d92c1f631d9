export { type DocumentedField, fieldsOf, markdownOf } from './document-config.ts'
export {
  choice,
  type Field,
  type Fields,
  flag,
  integer,
  integerOr,
  isField,
  isHostOrNothing,
  LONG_MAX,
  type Parsed,
  type Partly,
  shaped,
  text,
} from './field.ts'
export { type Property, parseProperties } from './java-properties.ts'
export { nearest } from './nearest.ts'
export { partOf } from './part-of.ts'
export {
  ConfigError,
  type ConfigSources,
  type Problem,
  readConfig,
  sayProblem,
} from './read-config.ts'
