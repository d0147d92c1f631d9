import { checkStream, knowsDryRun, type StreamFinding } from './check.ts'
import { connect } from './connect.ts'
import { EXIT } from './exit.ts'
import { isServiceConfigured, type Settings } from './settings.ts'
import { isLoopback } from './tail-command.ts'

export interface CheckOutput {
  readonly isJson: boolean
  readonly print: (text: string) => void
}

/** The exit code: good, or failed when a stream is not as it should be. */
export async function runCheck(
  settings: Settings,
  { isJson, print }: CheckOutput,
): Promise<number> {
  const mappings = settings.mappings.map(({ resource, stream, recordId, ...key }) => ({
    resource,
    stream,
    key: `${key.location} ${key.specification}`,
    recordId: recordId === undefined ? null : `${recordId.location} ${recordId.specification}`,
  }))
  const isAws = isServiceConfigured(settings)
  const findings = isAws ? await look(settings) : []
  const isGood = findings.every((finding) => finding.isGood)
  if (isJson) print(JSON.stringify({ isGood, mappings, streams: findings }))
  else {
    print('The configuration is good.')
    for (const { resource, stream, key, recordId } of mappings) {
      const id = recordId === null ? '' : `, record id from ${recordId}`
      print(`  /mappedIngest/${resource} -> stream ${stream}, key from ${key}${id}`)
    }
    if (!isAws) print('Records go to the embedded Kinesis: no AWS region or endpoint is set.')
    for (const { stream, isGood: good, finding } of findings) {
      print(`  ${good ? 'good' : 'BAD '}  stream ${stream}: ${finding}`)
    }
  }
  return isGood ? EXIT.good : EXIT.failed
}

async function look(settings: Settings): Promise<StreamFinding[]> {
  const connection = connect(settings.producer, isLoopback(settings.producer.endpoint))
  const isDryRun = knowsDryRun(connection.endpoint)
  const streams = new Set(settings.mappings.map((mapping) => mapping.stream))
  try {
    const findings: StreamFinding[] = []
    for (const stream of streams) {
      findings.push(await checkStream(connection.service, stream, isDryRun))
    }
    return findings
  } finally {
    connection.close()
  }
}
