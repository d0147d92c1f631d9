// All metrics of a producer, as the KPL names them: each is a path of names and values, and every
// prefix of a path is a metric too.
//
//   MetricName ─▶ own dimensions ─▶ [ErrorCode] ─▶ StreamName ─▶ own ─▶ [ShardId ─▶ own]
//
// A value is added to the end of its path only; what is nearer to the root is summed up when
// somebody asks, which happens seldom.

import { Accumulator, Sum, WINDOW_MAX_SECONDS } from './accumulator.ts'
import {
  descriptionOf,
  METRIC_NAMES,
  type MetricGranularity,
  type MetricLevel,
  type MetricName,
  type MetricUnit,
} from './metric-names.ts'

/** One metric with one combination of dimensions, over some time. */
export interface Metric {
  readonly name: MetricName
  readonly unit: MetricUnit
  readonly level: MetricLevel
  /** In the order of their path: `ErrorCode`, `StreamName`, `ShardId`. */
  readonly dimensions: ReadonlyMap<string, string>
  /** The seconds asked for; else seconds since the metric had its first value. */
  readonly durationSeconds: number
  readonly sampleCount: number
  readonly sum: number
  /** Null when there was no value in that time, as the two that follow. */
  readonly mean: number | null
  readonly min: number | null
  readonly max: number | null
}

/** A dimension of the user's own, at the end of the paths of that granularity. */
export interface OwnDimension {
  readonly key: string
  readonly value: string
  readonly granularity: MetricGranularity
}

export interface MetricPlace {
  readonly stream: string
  readonly shardId: string | null
  readonly errorCode: string | null
}

/** Error codes that are told apart; what comes beyond is counted as `Other`. */
export const ERROR_CODES_MAX_COUNT = 64
const OTHER_CODE = 'Other'

export type DimensionName = 'ErrorCode' | 'StreamName' | 'ShardId'

export class MetricNode {
  readonly name: MetricName
  readonly dimensions: ReadonlyMap<string, string>
  readonly parent: MetricNode | null
  readonly createdAtMs: number
  readonly children = new Map<string, MetricNode>()
  /** Values whose path ends here. */
  readonly own = new Accumulator()
  /** What paths through here had that are gone. */
  #retired: Accumulator | null = null
  /** What its parent knows it by. */
  #step = ''

  constructor(
    name: MetricName,
    dimensions: ReadonlyMap<string, string>,
    parent: MetricNode | null,
    createdAtMs: number,
  ) {
    this.name = name
    this.dimensions = dimensions
    this.parent = parent
    this.createdAtMs = createdAtMs
  }

  child(key: string, value: string, nowMs: number): MetricNode {
    const step = `${key}=${value}`
    let child = this.children.get(step)
    if (child === undefined) {
      const dimensions = new Map([...this.dimensions, [key, value]])
      child = new MetricNode(this.name, dimensions, this, nowMs)
      child.#step = step
      this.children.set(step, child)
    }
    return child
  }

  /** Everything at and below here, through `read`. */
  total(read: (from: Accumulator, into: Sum) => void, into: Sum): Sum {
    read(this.own, into)
    if (this.#retired !== null) read(this.#retired, into)
    for (const child of this.children.values()) child.total(read, into)
    return into
  }

  /** Takes the node off the tree; its values stay part of what is nearer to the root. */
  retire(nowMs: number): void {
    const { parent } = this
    if (parent?.children.get(this.#step) !== this) return
    parent.children.delete(this.#step)
    parent.#retired ??= new Accumulator()
    this.#giveTo(parent.#retired, nowMs)
  }

  /** This node or the nearest above it whose last dimension is `name`. */
  at(name: DimensionName): MetricNode | null {
    const last = [...this.dimensions.keys()].at(-1)
    return last === name ? this : (this.parent?.at(name) ?? null)
  }

  get granularity(): MetricGranularity {
    if (this.dimensions.has('ShardId')) return 'shard'
    return this.dimensions.has('StreamName') ? 'stream' : 'global'
  }

  takeRetired(into: Sum, nowMs: number): void {
    this.#retired?.take(into, nowMs)
  }

  #giveTo(heir: Accumulator, nowMs: number): void {
    heir.absorb(this.own, nowMs)
    if (this.#retired !== null) heir.absorb(this.#retired, nowMs)
    for (const child of this.children.values()) child.#giveTo(heir, nowMs)
  }
}

export class MetricsTree {
  readonly #roots = new Map<MetricName, MetricNode>()
  readonly #own: readonly OwnDimension[]
  readonly #errorCodes = new Set<string>()

  constructor(own: readonly OwnDimension[]) {
    this.#own = own
  }

  /** Where values of that metric and place are added. Made when it is not there. */
  node(name: MetricName, place: MetricPlace, nowMs: number): MetricNode {
    let node = this.#root(name, nowMs)
    const descend = (granularity: MetricGranularity) => {
      for (const own of this.#own) {
        if (own.granularity === granularity) node = node.child(own.key, own.value, nowMs)
      }
    }
    descend('global')
    if (place.errorCode !== null) {
      node = node.child('ErrorCode', this.#boundedCode(place.errorCode), nowMs)
    }
    node = node.child('StreamName', place.stream, nowMs)
    descend('stream')
    if (place.shardId === null) return node
    node = node.child('ShardId', place.shardId, nowMs)
    descend('shard')
    return node
  }

  /** All metrics that ever had a value, or those of one name; 0 seconds: since the start. */
  list(name: string | null, seconds: number, nowMs: number): Metric[] {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > WINDOW_MAX_SECONDS) {
      throw new RangeError(`seconds: 1..${WINDOW_MAX_SECONDS}, or 0 for all since the start`)
    }
    const found: Metric[] = []
    for (const node of this.#nodes(name)) {
      const lifetime = node.total((from, into) => from.lifetime(into), new Sum())
      if (lifetime.count === 0) continue
      if (seconds === 0) {
        found.push(metricOf(node, lifetime, (nowMs - node.createdAtMs) / 1000))
        continue
      }
      const read = (from: Accumulator, into: Sum) => from.window(into, seconds, nowMs)
      found.push(metricOf(node, node.total(read, new Sum()), seconds))
    }
    return found
  }

  /** What ends at each node and at no node below it, since the start: adds up without overlap. */
  listApart(nowMs: number): Metric[] {
    const found: Metric[] = []
    for (const node of this.#nodes(null)) {
      const sum = new Sum()
      node.own.lifetime(sum)
      if (sum.count > 0) found.push(metricOf(node, sum, (nowMs - node.createdAtMs) / 1000))
    }
    return found
  }

  /**
   * The values of all whole seconds since the last call, for an upload; nodes without any are left
   * out.
   */
  take(isWanted: (node: MetricNode) => boolean, nowMs: number): Metric[] {
    const taken: Metric[] = []
    const visit = (node: MetricNode): Sum => {
      const sum = new Sum()
      node.own.take(sum, nowMs)
      node.takeRetired(sum, nowMs)
      for (const child of node.children.values()) sum.add(visit(child))
      const seconds = (nowMs - node.createdAtMs) / 1000
      if (sum.count > 0 && isWanted(node)) taken.push(metricOf(node, sum, seconds))
      return sum
    }
    for (const root of this.#roots.values()) visit(root)
    return taken
  }

  #root(name: MetricName, nowMs: number): MetricNode {
    let root = this.#roots.get(name)
    if (root === undefined) {
      root = new MetricNode(name, new Map(), null, nowMs)
      this.#roots.set(name, root)
    }
    return root
  }

  *#nodes(name: string | null): Generator<MetricNode> {
    for (const known of METRIC_NAMES) {
      const root = this.#roots.get(known)
      if (root !== undefined && (name === null || name === known)) yield* below(root)
    }
  }

  #boundedCode(code: string): string {
    if (this.#errorCodes.has(code)) return code
    if (this.#errorCodes.size >= ERROR_CODES_MAX_COUNT) return OTHER_CODE
    this.#errorCodes.add(code)
    return code
  }
}

function* below(node: MetricNode): Generator<MetricNode> {
  yield node
  for (const child of node.children.values()) yield* below(child)
}

function metricOf(node: MetricNode, values: Sum, durationSeconds: number): Metric {
  const { name, dimensions } = node
  const { unit, level } = descriptionOf(name)
  const { count, sum, min, max } = values
  const isEmpty = count === 0
  return {
    ...{ name, unit, level, dimensions, durationSeconds, sampleCount: count, sum },
    mean: isEmpty ? null : sum / count,
    min: isEmpty ? null : min,
    max: isEmpty ? null : max,
  }
}
