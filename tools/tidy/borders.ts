// The borders between the rooms of src/: who may import whom, through which door, and no circles.

import { type Import, importsOf } from './imports.ts'
import type { Problem, SourceFile } from './problem.ts'

interface Room {
  /** Rooms whose door it may use. */
  readonly rooms: readonly string[] | 'all'
  /** Packages from outside; `node:` modules are the business of ambient.ts. */
  readonly packages: readonly string[] | 'all'
}

/** The plan of the house. A folder of src/ that is not here is itself a problem. */
export const ROOMS: ReadonlyMap<string, Room> = new Map<string, Room>([
  ['record', { rooms: [], packages: [] }],
  ['host', { rooms: [], packages: [] }],
  ['config', { rooms: [], packages: ['zod', 'yaml'] }],
  ['wire', { rooms: ['record'], packages: [] }],
  ['spool', { rooms: ['record', 'host', 'config'], packages: [] }],
  ['producer', { rooms: ['record', 'host', 'wire', 'config'], packages: [] }],
  ['cloudwatch', { rooms: ['host', 'producer'], packages: [] }],
  ['workers', { rooms: ['host'], packages: [] }],
  // zod for the settings that are lists and objects.
  ['gateway', { rooms: ['record', 'host', 'config', 'spool'], packages: ['zod'] }],
  ['dead-letters', { rooms: ['record', 'host', 'config', 'spool', 'gateway'], packages: [] }],
  // zod for what it finds on the disk, which may be damaged.
  ['kinesis', { rooms: ['host', 'wire', 'config'], packages: ['zod'] }],
  ['sim', { rooms: 'all', packages: 'all' }],
  ['lab', { rooms: 'all', packages: 'all' }],
  ['cli', { rooms: 'all', packages: 'all' }],
  ['library', { rooms: 'all', packages: 'all' }],
])

/** The room of a file of src/: its folder; null for src/assemble.ts, which joins them. */
function roomOf(path: string): string | null {
  const parts = path.split('/')
  return parts.length > 2 ? parts[1]! : null
}

/** `host/node/` is the one room within a room: the real host, with a door of its own. */
const INNER_DOOR = 'src/host/node/index.ts'

export function checkBorders(files: readonly SourceFile[]): Problem[] {
  const sources = files.filter(({ path }) => path.startsWith('src/'))
  const known = new Set(files.map(({ path }) => path))
  const problems: Problem[] = []
  for (const file of sources) {
    const room = roomOf(file.path)
    if (room !== null && !ROOMS.has(room)) {
      problems.push({ path: file.path, line: 0, message: `src/${room}/ is no room we know` })
      continue
    }
    for (const one of importsOf(file)) {
      const message = refusal(file.path, one, known)
      if (message !== null) problems.push({ path: file.path, line: one.line, message })
    }
  }
  return [...problems, ...checkCircles(sources)]
}

function refusal(path: string, { specifier, target }: Import, known: Set<string>): string | null {
  const from = roomOf(path)
  const room = from === null ? null : ROOMS.get(from)!
  if (target === null) {
    if (specifier.startsWith('node:') || room === null || room.packages === 'all') return null
    if (path.startsWith('src/host/node/')) return null
    const name = packageOf(specifier)
    return room.packages.includes(name) ? null : `room ${from} may not import package ${name}`
  }
  if (!known.has(target)) return `there is no ${target}`
  if (!target.startsWith('src/')) return `src/ may not import ${target}`
  const to = roomOf(target)
  if (to === null) return room !== null && room.rooms !== 'all' ? `${from} imports ${target}` : null
  if (to === from) return insideRefusal(path, target)
  if (room !== null && room.rooms !== 'all' && !room.rooms.includes(to)) {
    return `room ${from} may not import room ${to}`
  }
  if (target === INNER_DOOR && (room === null || room.rooms === 'all')) return null
  return target === `src/${to}/index.ts` ? null : `only through the door: src/${to}/index.ts`
}

/** Inside a room import the file, not the door; and host/ does not know host/node/. */
function insideRefusal(path: string, target: string): string | null {
  const isInner = (one: string) => one.startsWith('src/host/node/')
  if (isInner(target) && !isInner(path)) return 'the real host is for cli/, library/ and the like'
  if (isInner(path) && !isInner(target)) return null
  return target.endsWith('/index.ts') ? 'inside a room import the file, not its door' : null
}

/** `@aws-sdk/x/deep` and `yaml/deep` without what is deep. */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!
}

/** Circles of imports that exist when the program runs; those of types alone do no harm. */
function checkCircles(files: readonly SourceFile[]): Problem[] {
  const graph = new Map<string, Import[]>()
  for (const file of files) {
    graph.set(
      file.path,
      importsOf(file).filter(({ isTypeOnly, target }) => !isTypeOnly && target !== null),
    )
  }
  const problems: Problem[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    for (const { target, line } of graph.get(path) ?? []) {
      const start = trail.indexOf(target!)
      if (start !== -1) {
        const message = `circle: ${[...trail.slice(start), target].join(' → ')}`
        problems.push({ path, line, message })
      } else if (!done.has(target!)) walk(target!, [...trail, target!])
    }
    done.add(path)
  }
  for (const path of graph.keys()) if (!done.has(path)) walk(path, [path])
  return problems
}
