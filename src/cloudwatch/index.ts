export { type Datum, dataOf, inBatches } from './datum.ts'
export { type MetricsSink, type MetricsSource, Uploader, type UploaderConfig } from './uploader.ts'
