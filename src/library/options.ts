// What a program says to the producer, and what it may read from a KPL's file.

import { partOf, readConfig } from '../config/index.ts'
import { type Log, silentLog } from '../host/index.ts'
import { readTextFile } from '../host/node/index.ts'
import {
  isServiceNamed,
  type KplSettings,
  type OwnDimension,
  type ProducerConfig,
  producerFields,
  readKplProperties,
  type TransportConfig,
  transportFields,
  type UserRecordConfig,
  userRecordFields,
  type VestigialConfig,
  vestigialFields,
  vestigialWarning,
  type WindowConfig,
  windowFields,
} from '../producer/index.ts'
import { apart } from './apart.ts'
import { checkObject, checkText } from './check.ts'

/** Every setting, those of the KPL under its names; see docs/configuration.md. */
export type ProducerSettings = ProducerConfig &
  TransportConfig &
  UserRecordConfig &
  VestigialConfig &
  WindowConfig

/** Those that are said. */
export type SomeSettings = {
  readonly [Name in keyof ProducerSettings]?: ProducerSettings[Name] | undefined
}

/** The settings, by who needs them. */
export interface ReadOptions {
  readonly producer: ProducerConfig
  readonly transport: TransportConfig
  readonly userRecord: UserRecordConfig
  readonly window: WindowConfig
}

/**
 * Throws `ConfigError`, which names every option that is wrong. A region that is not said is
 * `env.AWS_REGION`; nothing else of the environment counts.
 */
export function readOptions(
  { region, ...others }: SomeSettings,
  log: Log,
  env: Readonly<Record<string, string | undefined>>,
): ReadOptions {
  const options = region === '' ? others : { region, ...others }
  const fields = {
    ...producerFields,
    ...transportFields,
    ...userRecordFields,
    ...vestigialFields,
    ...windowFields,
  }
  const config = readConfig(fields, {
    env: { AWS_REGION: env['AWS_REGION'] },
    overrides: options,
    overridesFrom: 'option',
  })
  if (!isServiceNamed(config)) {
    throw new TypeError(
      'KinesisProducer needs a region, as the option or in AWS_REGION, or an endpoint.',
    )
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || !Object.hasOwn(vestigialFields, name)) continue
    log.warn(vestigialWarning(name))
  }
  return {
    producer: partOf(producerFields, config),
    transport: partOf(transportFields, config),
    userRecord: partOf(userRecordFields, config),
    window: partOf(windowFields, config),
  }
}

/**
 * Options from the text of a KPL's `.properties` file, as it is:
 *
 *     new KinesisProducer({ ...producerOptionsFromProperties(text), log })
 *
 * Keys that are unknown or have no effect are warnings in the log. Throws `ConfigError` with every
 * value that is wrong; `name` is what it calls the file.
 */
export function producerOptionsFromProperties(
  text: string,
  options: { log?: Log; name?: string } = {},
): KplSettings {
  checkText('the text of a .properties file', text)
  checkObject('options', options)
  const { log = silentLog, name = 'properties' } = options
  checkText('name', name)
  const told = apart(log)
  const { settings, warnings } = readKplProperties(name, text)
  for (const warning of warnings) told.warn(warning)
  return settings
}

/** The same from the file itself, read as Java reads it: in Latin-1. */
export function producerOptionsFromPropertiesFile(
  path: string,
  options: { log?: Log } = {},
): KplSettings {
  // A number would be read as an open file of the process.
  checkText('the path of a .properties file', path)
  checkObject('options', options)
  const { log = silentLog } = options
  return producerOptionsFromProperties(readTextFile(path, 'latin1'), { log, name: path })
}

const GRANULARITIES: readonly unknown[] = ['global', 'stream', 'shard']
/** Dimensions that metrics have by themselves. */
const TAKEN_KEYS: readonly unknown[] = ['MetricName', 'ErrorCode', 'StreamName', 'ShardId']

/** Throws `TypeError` for dimensions that no metric could have. */
export function checkDimensions(dimensions: readonly OwnDimension[]): void {
  if (!Array.isArray(dimensions)) throw new TypeError('metricsDimensions: an array is needed')
  for (const [index, given] of dimensions.entries()) {
    const { key, value, granularity }: Record<string, unknown> = given ?? {}
    const isText = typeof key === 'string' && typeof value === 'string' && key !== ''
    if (isText && !TAKEN_KEYS.includes(key) && GRANULARITIES.includes(granularity)) continue
    throw new TypeError(
      `metricsDimensions[${index}]: key, value and granularity (global | stream | shard) are ` +
        `needed, and a key that is none of ${TAKEN_KEYS.join(', ')}`,
    )
  }
}
