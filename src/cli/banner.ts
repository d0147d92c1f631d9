// What `serve` and `kinesis` say when they are ready: where everything is and how to try it.

export interface ServeFacts {
  readonly gateway: string
  /** Where dead letters are; null when it is off. */
  readonly admin: string | null
  /** The embedded Kinesis, or null when records go to AWS. */
  readonly kinesis: string | null
  /** The same over TLS, where that was asked for. */
  readonly kinesisTls: string | null
  /** Where records go when there is no embedded Kinesis. */
  readonly service: string
  readonly data: string
  readonly streams: readonly string[]
  readonly ack: string
  /** Whether records are kept in the data directory until they are delivered. */
  readonly isSpooled: boolean
  /** Processes that take requests. */
  readonly workers: number
}

const MEANS: Readonly<Record<string, string>> = {
  accepted: 'answers when a record is accepted: in memory, no more than that',
  durable: 'answers when a record is durable: on the disk, synced',
  delivered: 'answers when a record is delivered: Kinesis has it',
}

export function serveBanner(facts: ServeFacts, isColour: boolean): string {
  const { bold, dim } = inks(isColour)
  const target =
    facts.kinesis === null
      ? [`  Kinesis    ${bold(facts.service)}`]
      : [
          `  Kinesis    ${bold(facts.kinesis)}  ${dim(`embedded: streams ${facts.streams.join(', ')}`)}`,
          ...(facts.kinesisTls === null ? [] : [`  with TLS   ${facts.kinesisTls}`]),
        ]
  const tail =
    facts.kinesis === null
      ? '  headgate tail s2'
      : `  headgate tail s2${facts.kinesis.endsWith(':4567') ? '' : ` --endpoint ${facts.kinesis}`}`
  return [
    '',
    `${bold('Headgate')} is open.`,
    '',
    `  gateway    ${bold(facts.gateway)}  ${dim(MEANS[facts.ack]!)}`,
    ...(facts.workers === 1 ? [] : [`  workers    ${facts.workers}`]),
    ...target,
    `  data       ${facts.data}${facts.isSpooled ? dim('  records wait here until they are delivered') : ''}`,
    ...(facts.admin === null ? [] : [`  admin      ${facts.admin}  ${dim('dead letters')}`]),
    '',
    dim('Try it:'),
    `  curl ${facts.gateway}/mappedIngest/s2 -H 'content-type: application/json' \\`,
    `       -d '{"foo":{"foopart1":1},"bar":"barval"}'`,
    tail,
    `  curl ${facts.gateway}/actuator/kinesis`,
    '',
    dim('Ctrl-C finishes what was admitted, then stops.'),
    '',
  ].join('\n')
}

export interface KinesisFacts {
  readonly endpoint: string
  /** The same over TLS, where that was asked for. */
  readonly tlsEndpoint: string | null
  readonly data: string
  readonly streams: readonly string[]
}

export function kinesisBanner(facts: KinesisFacts, isColour: boolean): string {
  const { bold, dim } = inks(isColour)
  const streams = facts.streams.length === 0 ? 'no streams yet' : facts.streams.join(', ')
  return [
    '',
    `${bold('Kinesis')} at ${bold(facts.endpoint)}  ${dim(streams)}`,
    ...(facts.tlsEndpoint === null ? [] : [`  TLS   ${facts.tlsEndpoint}`]),
    `  data  ${facts.data}`,
    '',
    dim('Any AWS SDK or CLI, with any credentials:'),
    `  aws kinesis list-streams --endpoint-url ${facts.endpoint} --region us-east-1`,
    `  headgate tail STREAM --endpoint ${facts.endpoint}`,
    '',
  ].join('\n')
}

function inks(isColour: boolean) {
  const ink = (code: number) => (text: string) =>
    isColour ? `\u001b[${code}m${text}\u001b[0m` : text
  return { bold: ink(1), dim: ink(2) }
}
