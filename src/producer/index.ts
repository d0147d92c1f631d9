export { type ProducerConfig, producerFields } from './config.ts'
export type { CredentialsProvider } from './credentials.ts'
export { Producer, type ProducerDescription } from './producer.ts'
