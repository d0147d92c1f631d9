// The faults over HTTP, while the service runs: GET shows them, PUT sets them, DELETE ends them.

import { ConfigError, sayProblem } from '../../config/index.ts'
import type { HttpAnswer } from '../../host/index.ts'
import { parseFaults } from './fault.ts'
import type { FaultEngine } from './fault-engine.ts'

export const FAULTS_TARGET = '/headgate/faults'
/** A hundred faults with every field take 40 KiB. */
export const FAULTS_BODY_MAX_BYTES = 128 * 1024

export function showFaults({ faults, struckCounts }: FaultEngine): HttpAnswer {
  return json(200, { faults, struck: struckCounts })
}

/** Sets what a body says, or answers every problem of it and changes nothing. */
export function putFaults(engine: FaultEngine, body: Buffer): HttpAnswer {
  try {
    engine.set(parseFaults(JSON.parse(body.toString('utf8')), 'body'))
    return showFaults(engine)
  } catch (error) {
    if (error instanceof ConfigError) return refused(400, error.problems.map(sayProblem))
    if (error instanceof SyntaxError) return refused(400, [`body: no JSON: ${error.message}`])
    throw error
  }
}

export function faultsBodyTooLarge(): HttpAnswer {
  return refused(413, [`body: at most ${FAULTS_BODY_MAX_BYTES} bytes`])
}

export function faultsMethodUnknown(): HttpAnswer {
  const { status, headers, body } = refused(405, ['allowed are GET, PUT and DELETE'])
  return { status, headers: [...headers, 'Allow', 'GET, PUT, DELETE'], body }
}

function refused(status: number, problems: readonly string[]): HttpAnswer {
  return json(status, { problems })
}

function json(status: number, value: object): HttpAnswer {
  return { status, headers: ['Content-Type', 'application/json'], body: JSON.stringify(value) }
}
