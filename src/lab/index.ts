export {
  AGGREGATE_HEADINGS,
  type Aggregate,
  aggregateCsv,
  aggregateOf,
  cellsOf,
} from './aggregate.ts'
export { chartsOf, standaloneSvg } from './charts.ts'
export { ClosedLoad } from './closed-load.ts'
export {
  alignTable,
  compareTable,
  type Figure,
  figuresOf,
  hasBackPressure,
  isMet,
  MARKS,
  sayDeviation,
  sayFigure,
  spaced,
} from './compare.ts'
export { countersJson, jtlOf, statisticsLog, timelineCsv } from './csv-files.ts'
export {
  asHeadgate,
  type Experiment,
  type ExperimentFile,
  experimentFields,
  mappingsOf,
  type Overrides,
  readExperiment,
  scaled,
} from './experiment.ts'
export { type Imported, importJmx, JmxError } from './jmx.ts'
export { OpenLoad } from './open-load.ts'
export { KEY_HEADER, payloadOf, STREAM, TARGET_PATH } from './payload.ts'
export { pngOf } from './png.ts'
export {
  FileError,
  JtlReader,
  secondsFromSamples,
  secondsOf,
  statisticsOf,
} from './read-files.ts'
export { reportPage } from './report-page.ts'
export type { Counters, Run, StatisticsLine } from './run.ts'
export { type Sample, Samples, statusesOf, successesOf } from './samples.ts'
export { type Progress, type SimulateOptions, simulate } from './simulate.ts'
export type { Ending, Target } from './target.ts'
export { Timeline } from './timeline.ts'
export { WORLD_COSTS } from './world-costs.ts'
