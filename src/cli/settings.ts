// The program's settings: every room's table in one file, and where they come from.

import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import {
  ConfigError,
  choice,
  type Fields,
  flag,
  integer,
  integerOr,
  type Parsed,
  type Partly,
  readConfig,
  sayProblem,
  shaped,
  text,
} from '../config/index.ts'
import { deadLettersFields } from '../dead-letters/index.ts'
import { gatewayFields, WITHOUT_SPOOL } from '../gateway/index.ts'
import { kinesisFields } from '../kinesis/index.ts'
import {
  isServiceNamed,
  producerFields,
  readKplProperties,
  transportFields,
} from '../producer/index.ts'
import { STREAM_NAME_PATTERN } from '../record/index.ts'
import { spoolFields } from '../spool/index.ts'
import { usageError } from './exit.ts'
import { LOG_LEVELS } from './log.ts'

/** Read when it exists and no other file is named. */
export const DEFAULT_CONFIG_FILE = 'headgate.yaml'

const streamSchema = z.strictObject({
  name: z.string().regex(STREAM_NAME_PATTERN),
  shards: z.int().min(1).max(1000).default(1),
})

const PORT_MAX = 65_535

/** A TCP port; 0 takes a free one. */
function port(options: { default: number; says: string }) {
  return integer({ ...options, min: 0, max: PORT_MAX })
}

export const settingsFields = {
  host: text({
    default: '127.0.0.1',
    pattern: /^\S+$/,
    allowed: 'an address of this machine',
    says: 'The address that the gateway and the embedded Kinesis listen on.',
  }),
  port: port({ default: 8080, says: "The gateway's port; 0 takes a free one." }),
  data: text({
    default: '.headgate',
    pattern: /./,
    allowed: 'a directory',
    says: 'Where data is kept; one process at a time.',
  }),
  workers: integer({
    default: 1,
    min: 1,
    max: 64,
    unit: 'processes',
    env: 'HEADGATE_WORKERS',
    says: 'Processes that share the port, each with its own spool and its part of every bound.',
  }),
  workerTimeoutMs: integerOr(['none'], {
    default: 30_000,
    min: 5_000,
    max: 3_600_000,
    unit: 'ms',
    env: 'HEADGATE_WORKER_TIMEOUT_MS',
    says: 'Of several processes, how long one may leave the supervisor without a sign of life before it is ended and replaced.',
  }),
  shutdownTimeoutMs: integer({
    default: 30_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    env: 'SHUTDOWN_TIMEOUT_MS',
    says: 'How long a stop may take to finish what was admitted.',
  }),
  logLevel: choice(LOG_LEVELS, {
    default: 'info',
    env: 'LOG_LEVEL',
    says: 'The least important messages that are logged.',
  }),
  ...gatewayFields,
  ...spoolFields,
  spool: {
    enabled: flag({
      default: true,
      says: 'Whether records are kept on the disk until they are delivered; without it they die with the process.',
    }),
    ...spoolFields.spool,
  },
  deadLetters: deadLettersFields,
  admin: {
    host: text({
      default: '127.0.0.1',
      pattern: /^\S+$/,
      allowed: 'an address of this machine',
      says: 'The address for administration. Whoever reaches it may read and remove dead letters: one that is not of the loopback needs admin.token.',
    }),
    port: integerOr(['next', 'off'], {
      default: 'next',
      min: 0,
      max: PORT_MAX,
      says: "Its port; next: the gateway's plus one (any, where that is any), off: none, 0: any.",
    }),
    token: text({
      default: '',
      pattern: /^([\x21-\x7e]{16,256})?$/,
      allowed: '16 to 256 visible ASCII characters, or nothing',
      env: 'HEADGATE_ADMIN_TOKEN',
      says: 'What a request there has to carry (Authorization: Bearer …); nothing: on the loopback nothing is asked for.',
    }),
  },
  kplProperties: text({
    default: '',
    allowed: 'a file, or nothing',
    says: "The KPL's .properties file; it stands in the place of the defaults of producer.*.",
  }),
  producer: { ...producerFields, ...transportFields },
  kinesis: {
    port: port({ default: 4567, says: "The embedded Kinesis's port; 0 takes a free one." }),
    tlsPort: integerOr(['off'], {
      default: 'off',
      min: 0,
      max: PORT_MAX,
      says: 'Its port for TLS, beside the other; off: none, 0: any.',
    }),
    tlsCertificate: text({
      default: '',
      allowed: 'a file, or nothing',
      says: 'Its certificate, with those above it (PEM); nothing: one that is made at each start and that nobody vouches for.',
    }),
    tlsKey: text({
      default: '',
      allowed: 'a file, or nothing',
      says: "The certificate's key (PEM).",
    }),
    streams: shaped({
      default: [
        { name: 's1', shards: 1 },
        { name: 's2', shards: 1 },
      ],
      schema: z.array(streamSchema).max(1000),
      allowed: 'a list of { name, shards }',
      says: 'Streams that the embedded Kinesis makes when they are not there.',
    }),
    ...kinesisFields,
  },
} satisfies Fields

export type Settings = Parsed<typeof settingsFields>
export type SettingsOverrides = Partly<typeof settingsFields>

type Env = Readonly<Record<string, string | undefined>>

/**
 * The settings in force. Throws `ExitError` (2) that names every problem. What was said in vain is
 * added to `warnings`.
 */
export function readSettings(
  fileName: string | null,
  env: Env,
  overrides: SettingsOverrides,
  warnings: string[] = [],
): Settings {
  const name = fileName ?? (existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : null)
  const file = name === null ? null : { name, text: readFile(name, 'utf8') }
  const sources = { file, env: withAwsNames(env), overrides }
  try {
    const { spool, kplProperties } = readConfig(settingsFields, sources)
    const kpl = kplProperties === '' ? {} : kplDefaults(kplProperties, warnings)
    const base = spool.enabled ? withSpool(kpl) : { ...kpl, ...WITHOUT_SPOOL }
    const settings = readConfig(settingsFields, { ...sources, base })
    checkAcks(settings)
    checkRecordIds(settings)
    checkAdmin(settings)
    return settings
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { problems } = error
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    const lines = problems.map((problem) => `  ${sayProblem(problem)}`)
    throw usageError(`The configuration has ${count}:\n${lines.join('\n')}`)
  }
}

/** A record that is kept need not expire: it waits in the spool for as long as it takes. */
function withSpool(base: SettingsOverrides): SettingsOverrides {
  return { ...base, producer: { recordTtl: 'none', ...base.producer } }
}

function checkAcks({ ack, mappings, spool }: Settings): void {
  if (spool.enabled) return
  const asked = [{ path: 'ack.default', ack: ack.default }].concat(
    mappings.map(({ ack }, index) => ({ path: `mappings[${index}].ack`, ack: ack ?? 'accepted' })),
  )
  const wrong = asked.filter(({ ack }) => ack === 'durable').map(({ path }) => path)
  if (wrong.length === 0) return
  throw usageError(`durable needs the spool, and spool.enabled is false: ${wrong.join(', ')}`)
}

/** Ids that nobody remembers would be taken for a promise. */
function checkRecordIds({ mappings, spool, idempotency }: Settings): void {
  const { maxCount, maxAgeMs } = idempotency
  const missing = [
    ...(spool.enabled ? [] : ['spool.enabled is false']),
    ...(maxCount > 0 ? [] : ['idempotency.maxCount is 0']),
    ...(maxAgeMs > 0 ? [] : ['idempotency.maxAgeMs is 0']),
  ]
  const asked = mappings.flatMap(({ recordId }, index) =>
    recordId ? [`mappings[${index}].recordId`] : [],
  )
  if (missing.length === 0 || asked.length === 0) return
  throw usageError(
    `Record ids have to be remembered in the spool, and ${missing.join(', ')}: ${asked.join(', ')}`,
  )
}

/** Of this machine alone; what a name leads to is not known here. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/

function checkAdmin({ admin, spool }: Settings): void {
  const { host, port, token } = admin
  if (!spool.enabled || port === 'off' || token !== '' || LOOPBACK.test(host)) return
  throw usageError(
    `admin.host is ${host}, which others may reach, and nothing would be asked of them: ` +
      'set admin.token (HEADGATE_ADMIN_TOKEN), or leave the address on 127.0.0.1.',
  )
}

function kplDefaults(name: string, warnings: string[]): SettingsOverrides {
  // Java reads such files as Latin-1.
  const kpl = readKplProperties(name, readFile(name, 'latin1'))
  warnings.push(...kpl.warnings)
  const { maxUserRecordSize, ...producer } = kpl.settings
  return { producer, record: { maxBytes: maxUserRecordSize } }
}

function readFile(name: string, encoding: 'utf8' | 'latin1'): string {
  try {
    return readFileSync(name, encoding)
  } catch (error) {
    throw usageError(`Cannot read the configuration file ${name}: ${(error as Error).message}`)
  }
}

/** The SDKs' second names for the same things. */
function withAwsNames(env: Env): Env {
  return {
    ...env,
    AWS_REGION: env['AWS_REGION'] || env['AWS_DEFAULT_REGION'],
    AWS_ENDPOINT_URL_KINESIS: env['AWS_ENDPOINT_URL_KINESIS'] || env['AWS_ENDPOINT_URL'],
  }
}

/** The port for administration: 0 for any, null for none. */
export function adminPortOf({ port, admin }: Pick<Settings, 'port' | 'admin'>): number | null {
  if (admin.port === 'off') return null
  if (admin.port !== 'next') return admin.port
  // Beyond the last port there is none: then any.
  return port === 0 || port === PORT_MAX ? 0 : port + 1
}

/** Whether somebody said where the service is; otherwise an embedded one is used. */
export function isServiceConfigured({ producer }: Settings): boolean {
  return isServiceNamed(producer)
}
