export { type KinesisConfig, kinesisFields } from './config.ts'
export { EmbeddedKinesis } from './embedded-kinesis.ts'
export { ServiceError } from './service-error.ts'
