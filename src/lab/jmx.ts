// A JMeter plan of the simple kind, one thread group with one HTTP request, as an experiment.

import { XMLParser } from 'fast-xml-parser'
import { stringify } from 'yaml'
import { PAYLOAD_MIN_BYTES } from './payload.ts'

export interface Imported {
  /** The experiment's file. */
  readonly yaml: string
  /** What the plan says and the experiment cannot. */
  readonly notes: readonly string[]
}

/** What is wrong with a plan, in words for the one who wrote it. */
export class JmxError extends Error {}

/** An element: its attributes begin with `@`, its children are lists. */
interface Element {
  readonly [name: string]: readonly Element[] | string | undefined
}

const CONTROLLERS = /Controller$/
/** Elements that neither load nor change it. */
const SILENT =
  /^(?:TestPlan|hashTree|ThreadGroup|HTTPSamplerProxy|ResultCollector|elementProp|\w+Prop)$/

/** Throws `JmxError` when the plan is of another kind. */
export function importJmx(text: string, name: string): Imported {
  const plan = parse(text)
  const groups = enabled(all(plan, 'ThreadGroup'))
  const samplers = enabled(all(plan, 'HTTPSamplerProxy'))
  const [group] = groups
  const [sampler] = samplers
  if (group === undefined || groups.length > 1) {
    throw new JmxError(`it has ${groups.length} enabled thread groups; one can be imported`)
  }
  if (sampler === undefined || samplers.length > 1) {
    throw new JmxError(`it has ${samplers.length} enabled HTTP requests; one can be imported`)
  }
  const notes = notesOf(plan, group, sampler)
  const { bytes, hasVariable } = bodyOf(sampler)
  if (hasVariable) notes.push('the body has variables: each request gets a key of its own instead')
  const url = urlOf(sampler)
  const experiment = {
    name,
    says: `Imported from a JMeter plan that posts to ${url}.`,
    load: {
      threads: numberOf(group, 'ThreadGroup.num_threads', 1),
      rampUpMs: numberOf(group, 'ThreadGroup.ramp_time', 0) * 1000,
      loops: loopsOf(group),
    },
    payload: { bytes: Math.max(PAYLOAD_MIN_BYTES, bytes), key: hasVariable ? 'random' : 'fixed' },
  }
  const head = notes.map((note) => `# Not taken over: ${note}.\n`).join('')
  return {
    yaml: `${head}# The same server: headgate lab run FILE --target ${url}\n${stringify(experiment)}`,
    notes,
  }
}

function parse(text: string): Element {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    textNodeName: '#text',
    parseTagValue: false,
    parseAttributeValue: false,
    isArray: (_name, _path, _isLeaf, isAttribute) => !isAttribute,
    alwaysCreateTextNode: true,
  })
  let root: Element
  try {
    root = parser.parse(text, true) as Element
  } catch (error) {
    throw new JmxError(`it is no XML: ${(error as Error).message}`)
  }
  const [plan] = childrenOf(root, 'jmeterTestPlan')
  if (plan === undefined) throw new JmxError('it is no JMeter plan: there is no jmeterTestPlan')
  return plan
}

function childrenOf(element: Element, name: string): readonly Element[] {
  const children = element[name]
  return Array.isArray(children) ? (children as readonly Element[]) : []
}

/** Every element of that name, at any depth. */
function all(element: Element, name: string): Element[] {
  return [...walk(element)].filter(([own]) => own === name).map(([, found]) => found)
}

function* walk(element: Element): Generator<[string, Element]> {
  for (const [name, children] of Object.entries(element)) {
    if (!Array.isArray(children)) continue
    for (const child of children as readonly Element[]) {
      yield [name, child]
      yield* walk(child)
    }
  }
}

function enabled(elements: readonly Element[]): Element[] {
  return elements.filter((element) => element['@enabled'] !== 'false')
}

/** The text of a property of this element itself, or of one inside it. */
function propertyOf(element: Element, name: string): string | null {
  for (const [tag, child] of walk(element)) {
    if (tag.endsWith('Prop') && child['@name'] === name) return String(child['#text'] ?? '')
  }
  return null
}

function numberOf(element: Element, name: string, otherwise: number): number {
  const text = propertyOf(element, name)
  if (text === null || text === '') return otherwise
  if (/^[0-9]+$/.test(text)) return Number(text)
  throw new JmxError(`${name} is ${JSON.stringify(text)}; a whole number is needed`)
}

function loopsOf(group: Element): number {
  const isForever = propertyOf(group, 'LoopController.continue_forever') === 'true'
  const loops = propertyOf(group, 'LoopController.loops')
  if (isForever || loops === '-1') {
    throw new JmxError('its threads loop for ever; say how often (LoopController.loops)')
  }
  return numberOf(group, 'LoopController.loops', 1)
}

function bodyOf(sampler: Element) {
  const body = propertyOf(sampler, 'Argument.value') ?? ''
  return { bytes: Buffer.byteLength(body), hasVariable: body.includes('${') }
}

function urlOf(sampler: Element): string {
  const of = (name: string) => propertyOf(sampler, `HTTPSampler.${name}`) ?? ''
  const port = of('port') === '' ? '' : `:${of('port')}`
  const path = of('path').startsWith('/') ? of('path') : `/${of('path')}`
  return `${of('protocol') || 'http'}://${of('domain') || 'localhost'}${port}${path}`
}

function notesOf(plan: Element, group: Element, sampler: Element): string[] {
  const notes: string[] = []
  const method = propertyOf(sampler, 'HTTPSampler.method') ?? 'GET'
  if (method !== 'POST') notes.push(`the method ${method}: the lab posts`)
  if (propertyOf(group, 'ThreadGroup.scheduler') === 'true') {
    notes.push('the schedule of the thread group (start, duration)')
  }
  const others = new Set<string>()
  for (const [tag, element] of walk(plan)) {
    const isTold = !SILENT.test(tag) && /^[A-Z]/.test(tag) && element['@enabled'] !== 'false'
    if (isTold && element['@testclass'] !== undefined) others.add(tag)
  }
  for (const tag of others) {
    notes.push(CONTROLLERS.test(tag) ? `the controller ${tag}` : `the element ${tag}`)
  }
  return notes
}
