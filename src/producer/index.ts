export { Client, type ClientConfig, isRefusal, type Outcome, type Refusal } from './client.ts'
export { type ProducerConfig, producerFields } from './config.ts'
export { CredentialsKeeper, type CredentialsProvider } from './credentials.ts'
export {
  type TransportConfig,
  transportFields,
  type UserRecordConfig,
  userRecordFields,
  type VestigialConfig,
  vestigialFields,
} from './kpl-config.ts'
export {
  type KplFile,
  type KplSettings,
  readKplProperties,
  vestigialWarning,
} from './kpl-properties.ts'
export { clientConfigOf, isServiceNamed, recordTtlMsOf } from './line-config.ts'
export type {
  MetricGranularity,
  MetricLevel,
  MetricName,
  MetricUnit,
} from './metrics/metric-names.ts'
export type { Metric, OwnDimension } from './metrics/metrics-tree.ts'
export { PROMETHEUS_CONTENT_TYPE } from './metrics/prometheus-text.ts'
export { Producer, type ProducerDescription } from './producer.ts'
export { kindOf } from './verdict.ts'
export { ClosedError, Window, type WindowConfig, windowFields } from './window.ts'
