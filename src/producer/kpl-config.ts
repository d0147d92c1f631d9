// The KPL's other settings: what the line does not need itself, and what has no meaning here. The
// second kind is taken with its ranges, so that a KPL's configuration can be moved as it is, and
// whoever says it is told why it has no effect.

import {
  choice,
  type Fields,
  flag,
  integer,
  isHostOrNothing,
  LONG_MAX,
  type Parsed,
  text,
} from '../config/index.ts'
import { RECORD_DEFAULT_MAX_BYTES, RECORD_MAX_BYTES } from '../wire/index.ts'

/** How connections to the service are made. */
export const transportFields = {
  verifyCertificate: flag({
    default: true,
    says: "Whether the service's certificate must be good; false only for tests.",
  }),
  caCertFile: text({
    default: '',
    allowed: 'a file, or nothing',
    says: 'Certificate authorities (PEM) to trust in the place of the well-known ones.',
  }),
  caCertPath: text({
    default: '',
    allowed: 'a directory, or nothing',
    says: 'A directory of such files, trusted beside caCertFile.',
  }),
  proxyHost: text({
    default: '',
    pattern: /^([A-Za-z0-9\-.]+|\[[0-9A-Fa-f:.]+\])?$/,
    allowed: 'a host name, or nothing',
    accepts: isHostOrNothing,
    says: 'A proxy to go through; without one HTTPS_PROXY, HTTP_PROXY and NO_PROXY count.',
  }),
  proxyPort: integer({ default: 443, min: 1, max: 65_535, says: 'Port of proxyHost.' }),
  proxyUserName: text({ default: '', says: 'Name that the proxy asks for.' }),
  proxyPassword: text({ default: '', says: 'Password that the proxy asks for.' }),
} satisfies Fields

export type TransportConfig = Parsed<typeof transportFields>

/** What is looked at before a record enters the line. */
export const userRecordFields = {
  maxUserRecordSize: integer({
    default: RECORD_DEFAULT_MAX_BYTES,
    min: 64,
    max: RECORD_MAX_BYTES,
    unit: 'bytes',
    says: 'Largest user record: data and partition key in UTF-8, as the service counts.',
  }),
} satisfies Fields

export type UserRecordConfig = Parsed<typeof userRecordFields>

const NO_DAEMON = 'there is no daemon: the producer runs in your process'
const NO_THREADS = 'requests wait for the service without threads; maxConnections bounds them'
const NO_STS = 'the credentials provider finds its own services'

/** Host names as the KPL takes them. */
const HOST = { pattern: /^([A-Za-z0-9\-.]+)?$/, allowed: 'a host name, or nothing' }

/** Taken without effect; `says` is why. */
export const vestigialFields = {
  minConnections: integer({
    default: 1,
    min: 1,
    max: 16,
    says: 'connections are opened when they are needed; the KPL does not use it either',
  }),
  stsEndpoint: text({ default: '', ...HOST, says: NO_STS }),
  stsPort: integer({ default: 443, min: 1, max: 65_535, says: NO_STS }),
  logLevel: choice(['trace', 'debug', 'info', 'warning', 'error'], {
    default: 'info',
    says: 'the log that is handed in, or the setting of the program, decides what is kept',
  }),
  threadingModel: choice(['PER_REQUEST', 'POOLED'], { default: 'PER_REQUEST', says: NO_THREADS }),
  threadPoolSize: integer({ default: 0, min: 0, max: 2 ** 31 - 1, says: NO_THREADS }),
  credentialsRefreshDelay: integer({
    default: 5000,
    min: 1,
    max: 300_000,
    unit: 'ms',
    says: 'keys are fetched before they expire and when the service refuses them, not by the clock',
  }),
  userRecordTimeoutInMillis: integer({
    default: 0,
    min: 0,
    max: LONG_MAX,
    unit: 'ms',
    says: 'a promise that ends before its record leaves open what becomes of it: use recordTtl',
  }),
  enableOldestFutureTracker: flag({
    default: true,
    says: "the oldest record's age is always known and costs nothing",
  }),
  returnUserRecordOnFailure: flag({
    default: false,
    says: 'an error always carries its record',
  }),
  enableDaemonHealthCheck: flag({ default: false, says: NO_DAEMON }),
  daemonHealthCheckTimeoutMs: integer({
    default: 30_000,
    min: 5000,
    max: LONG_MAX,
    unit: 'ms',
    says: NO_DAEMON,
  }),
  enableCoreDumps: flag({ default: false, says: NO_DAEMON }),
  nativeExecutable: text({ default: '', says: NO_DAEMON }),
  tempDirectory: text({ default: '', says: NO_DAEMON }),
  glueSchemaRegistryPropertiesFilePath: text({
    default: '',
    says: 'data is sent as it is handed in: encode it with its schema before',
  }),
} satisfies Fields

export type VestigialConfig = Parsed<typeof vestigialFields>
