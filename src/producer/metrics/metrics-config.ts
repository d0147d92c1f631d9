// The settings of the metrics: the KPL's. They choose what is uploaded; what the program itself
// asks for is always complete.

import { choice, type Fields, integer, type Parsed, text } from '../../config/index.ts'
import {
  descriptionOf,
  type MetricGranularity,
  type MetricLevel,
  type MetricName,
} from './metric-names.ts'

export const metricsFields = {
  metricsLevel: choice(['none', 'summary', 'detailed'], {
    default: 'detailed',
    says: 'Which metrics are uploaded: none, those of level summary, or all.',
  }),
  metricsGranularity: choice(['global', 'stream', 'shard'], {
    default: 'shard',
    says: 'How finely uploaded metrics are told apart.',
  }),
  metricsNamespace: text({
    default: 'KinesisProducerLibrary',
    pattern: /^(?!AWS\/).{1,255}$/,
    allowed: '1..255 characters that do not begin with AWS/',
    says: 'The CloudWatch namespace of uploaded metrics.',
  }),
  metricsUploadDelay: integer({
    default: 60_000,
    min: 1,
    max: 60_000,
    unit: 'ms',
    says: 'Time between two uploads; less than a second counts as one.',
  }),
} satisfies Fields

export type MetricsConfig = Parsed<typeof metricsFields>

const LEVELS = ['none', 'summary', 'detailed'] as const
const GRANULARITIES = ['global', 'stream', 'shard'] as const

/** Whether a metric is uploaded under these settings. */
export function isUploaded(
  config: Pick<MetricsConfig, 'metricsLevel' | 'metricsGranularity'>,
  metric: { readonly name: MetricName; readonly granularity: MetricGranularity },
): boolean {
  const level: MetricLevel = descriptionOf(metric.name).level
  return (
    LEVELS.indexOf(level) <= LEVELS.indexOf(config.metricsLevel) &&
    GRANULARITIES.indexOf(metric.granularity) <= GRANULARITIES.indexOf(config.metricsGranularity)
  )
}
