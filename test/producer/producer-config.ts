// The producer's settings with some of them changed.

import { readConfig } from '../../src/config/index.ts'
import { type ProducerConfig, producerFields } from '../../src/producer/index.ts'

export function producerConfig(settings: Partial<ProducerConfig>): ProducerConfig {
  return readConfig(producerFields, { overrides: settings })
}
