export { type DocumentedField, fieldsOf, markdownOf } from './document-config.ts'
export {
  choice,
  type Field,
  type Fields,
  flag,
  integer,
  type Parsed,
  type Partly,
  shaped,
  text,
} from './field.ts'
export {
  ConfigError,
  type ConfigSources,
  type Problem,
  readConfig,
  sayProblem,
} from './read-config.ts'
