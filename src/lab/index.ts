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
  sayDeviation,
  sayFigure,
} from './compare.ts'
export { countersJson, jtlOf, statisticsLog, timelineCsv } from './csv-files.ts'
export {
  asHeadgate,
  type Experiment,
  type ExperimentFile,
  experimentFields,
  type Overrides,
  readExperiment,
  scaled,
} from './experiment.ts'
export { pngOf } from './png.ts'
export { reportPage } from './report-page.ts'
export type { Counters, Run } from './run.ts'
export { Samples } from './samples.ts'
export { type Progress, type SimulateOptions, simulate } from './simulate.ts'
