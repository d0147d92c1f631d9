// An experiment: a load, a world, the gateway's and the producer's settings, and what the log saw.
// One table of settings, so that a file's mistakes are told with their lines and fields.

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
  shaped,
  text,
} from '../config/index.ts'
import { gatewayFields } from '../gateway/index.ts'
import { producerFields } from '../producer/index.ts'
import { spoolFields } from '../spool/index.ts'
import { type Logged, loggedSchema } from './logged.ts'
import { KEY_HEADER, PAYLOAD_MIN_BYTES, STREAM } from './payload.ts'
import { WORLD_COSTS } from './world-costs.ts'

const stepsSchema = z
  .array(z.strictObject({ ratePerSecond: z.number().positive().max(1e6), forMs: z.int().min(1) }))
  .max(1000)

export const experimentFields = {
  name: text({
    default: '',
    pattern: /^[a-z0-9][a-z0-9.-]{0,63}$/,
    allowed: 'lower case letters, digits, - and .',
    says: 'The name, which is the file name without `.yaml`.',
  }),
  says: text({ default: '', says: 'What it shows, in one sentence.' }),
  load: {
    loop: choice(['closed', 'open'], {
      default: 'closed',
      says: 'closed: each thread waits for its answer; open: requests go at their times.',
    }),
    threads: integer({
      default: 50,
      min: 1,
      max: 10_000,
      says: 'Closed loop: users, each with one request under way.',
    }),
    rampUpMs: integer({
      default: 0,
      min: 0,
      max: 86_400_000,
      unit: 'ms',
      says: 'Closed loop: time until all threads have started.',
    }),
    loops: integer({
      default: 1000,
      min: 1,
      max: 100_000_000,
      says: 'Closed loop: requests of each thread.',
    }),
    steps: shaped({
      default: [{ ratePerSecond: 100, forMs: 10_000 }],
      schema: stepsSchema,
      allowed: 'a list of { ratePerSecond, forMs }',
      says: 'Open loop: the schedule, one rate after the other.',
    }),
    arrivals: choice(['poisson', 'constant'], {
      default: 'poisson',
      says: 'Open loop: independent users, or like a metronome.',
    }),
    stopAfterSamples: integerOr(['none'], {
      default: 'none',
      min: 1,
      max: 1_000_000_000,
      says: 'No request is begun when so many have begun.',
    }),
  },
  payload: {
    bytes: integer({
      default: 1612,
      min: PAYLOAD_MIN_BYTES,
      max: 1_000_000,
      unit: 'bytes',
      says: 'Size of each body.',
    }),
    key: choice(['fixed', 'random'], {
      default: 'fixed',
      says: 'Partition key: always the same, or another for each request.',
    }),
  },
  world: {
    shards: integer({ default: 1, min: 1, max: 1000, says: 'Shards of the stream.' }),
    linkKbitPerSecond: integer({
      default: WORLD_COSTS.linkMbitPerSecond * 1000,
      min: 1,
      max: 1_000_000_000,
      unit: 'kbit/s',
      says: 'The link to the service, shared by all connections; simulated runs only.',
    }),
    failureUs: integer({
      default: WORLD_COSTS.failureMs * 1000,
      min: 0,
      max: 1_000_000,
      unit: 'µs',
      says: 'What telling of one failed record takes of the machine; simulated runs only.',
    }),
  },
  gateway: gatewayFields,
  producer: producerFields,
  spool: {
    enabled: flag({
      default: false,
      says: 'Whether records are kept on the disk until they are delivered. The log has none.',
    }),
    ...spoolFields.spool,
  },
  log: shaped<Logged | null>({
    default: null,
    schema: loggedSchema,
    allowed: 'what the log measured',
    says: 'What the log measured, to compare with.',
  }),
} satisfies Fields

export type Experiment = Parsed<typeof experimentFields>

/** The gateway and the producer of the log, where an experiment says nothing else. */
export const LOG_PROFILE = {
  gateway: {
    // The log's endpoint answers when it has handed the record on, and has no bound in bytes.
    ack: { default: 'accepted' },
    memory: { maxBytes: 2 ** 40 },
    backpressure: {
      strategy: 'none',
      threshold: 10_000,
      // 5 000 tries, between which it sleeps: the longest response where requests gave up. So a try
      // takes 1.67 ms, and the 750 tries of `bp-500` are the 1.2 s of its PutRecords.
      // It tries 5 000 times, a sleep of 1 ms between two, which takes 1.25 ms on its machine.
      maxWaitMs: 8350,
    },
  },
  producer: {
    wireFormat: 'json',
    aggregation: 'always',
    signing: 'early',
    rateLimit: 150,
    recordMaxBufferedTime: 3000,
    maxConnections: 10,
    requestTimeout: 60_000,
    recordTtl: 30_000,
  },
} as const satisfies Partly<typeof experimentFields>

export type Overrides = Partly<typeof experimentFields>

export interface ExperimentFile {
  /** As problems name it. */
  readonly name: string
  readonly text: string
}

/** Throws `ConfigError` with every problem of the file. */
export function readExperiment(file: ExperimentFile, overrides: Overrides = {}): Experiment {
  const sources = { file, base: LOG_PROFILE as Overrides, overrides }
  const experiment = readConfig(experimentFields, { ...sources, overridesFrom: 'command line' })
  const stem = file.name.replace(/^.*\//, '').replace(/\.ya?ml$/, '')
  if (experiment.name !== stem) {
    const message = `the file is named ${stem}; let both say the same`
    throw new ConfigError([{ path: 'name', where: file.name, message }])
  }
  if (!experiment.spool.enabled && experiment.gateway.ack.default === 'durable') {
    const message = 'durable needs the spool: spool.enabled'
    throw new ConfigError([{ path: 'gateway.ack.default', where: file.name, message }])
  }
  return experiment
}

/** What the program does where nothing is said: a record that is kept need not expire. */
const HEADGATE_BASE: Overrides = { producer: { recordTtl: 'none' }, spool: { enabled: true } }

/**
 * The same load and world with Headgate's own defaults, whatever they are by now; only where the
 * partition key stands is the experiment's. It does not write a line for each record that failed.
 */
export function asHeadgate(experiment: Experiment, overrides: Overrides = {}): Experiment {
  const { gateway, producer, spool } = readConfig(experimentFields, {
    base: HEADGATE_BASE,
    overrides: { gateway: overrides.gateway, producer: overrides.producer, spool: overrides.spool },
  })
  return {
    ...experiment,
    world: { ...experiment.world, failureUs: 0 },
    gateway: { ...gateway, mappings: experiment.gateway.mappings },
    producer,
    spool,
  }
}

/** Where the partition key stands: in the body, or in a header that each request has its own of. */
export function mappingsOf({ payload, gateway }: Experiment): Experiment['gateway']['mappings'] {
  if (payload.key === 'fixed') return gateway.mappings
  return [{ resource: 's2', stream: STREAM, location: 'header', specification: KEY_HEADER }]
}

/** Ramp-up, loops and counts shrunk alike, so that a small run goes through the same phases. */
export function scaled(experiment: Experiment, scale: number): Experiment {
  if (scale === 1) return experiment
  const { load } = experiment
  const times = (value: number) => Math.max(1, Math.round(value * scale))
  const stopAfterSamples = load.stopAfterSamples === 'none' ? 'none' : times(load.stopAfterSamples)
  return {
    ...experiment,
    load: {
      ...load,
      rampUpMs: Math.round(load.rampUpMs * scale),
      loops: times(load.loops),
      steps: load.steps.map((step) => ({ ...step, forMs: times(step.forMs) })),
      stopAfterSamples,
    },
  }
}
