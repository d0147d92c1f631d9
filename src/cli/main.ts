// The program. One command a file; here are their names, options and help.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { kinesisBanner, serveBanner } from './banner.ts'
import { runCheck } from './check-command.ts'
import { addDeadLetters } from './dead-letters-command.ts'
import { EXIT, ExitError } from './exit.ts'
import { openKinesis } from './kinesis.ts'
import { addLab } from './lab.ts'
import { stderrLog } from './log.ts'
import { serve } from './serve.ts'
import { isServiceConfigured, readSettings, type SettingsOverrides } from './settings.ts'
import { catchSignals } from './signals.ts'
import { addSpool } from './spool-command.ts'
import { parseStart, type TailStart } from './tail.ts'
import { runTail } from './tail-command.ts'
import { version } from './version.ts'

const isColour = process.stdout.isTTY === true && !process.env['NO_COLOR']

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

const program = new Command('headgate')
  .description('HTTP in, Kinesis out, and an answer means what it says.')
  .version(version(), '-V, --version')
  .showHelpAfterError('(headgate --help, or headgate COMMAND --help)')
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text) })

interface ServeOptions {
  config?: string
  host?: string
  port?: string
  kinesisPort?: string
  kinesisTlsPort?: string
  tlsPort?: string
  data?: string
  region?: string
  endpoint?: string
  workers?: string
  json?: boolean
}

program
  .command('serve')
  .description('Run the gateway; without any AWS setting, with an embedded Kinesis behind it.')
  .option('--config <file>', 'configuration file (default: headgate.yaml, if there is one)')
  .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
  .option('--port <port>', "the gateway's port, 0 for any (default: 8080)")
  .option('--kinesis-port <port>', "the embedded Kinesis's port, 0 for any (default: 4567)")
  .option('--kinesis-tls-port <port>', 'its port for TLS, 0 for any (default: none)')
  .option('--data <directory>', 'where data is kept (default: .headgate)')
  .option('--workers <n>', 'processes that share the port (default: 1)')
  .option('--region <region>', 'AWS region; records then go to AWS (AWS_REGION)')
  .option('--endpoint <url>', 'another Kinesis to send to (AWS_ENDPOINT_URL_KINESIS)')
  .option('--json', 'say where everything is as one JSON line')
  .addHelpText(
    'after',
    `
Example:
  headgate serve --port 8080
  curl localhost:8080/mappedIngest/s2 -H 'content-type: application/json' -d '{"foo":{"foopart1":1}}'

Stop it with Ctrl-C, SIGTERM or SIGHUP: it becomes unready, finishes what was admitted, ends with 0.
What could not be delivered in time stays in the spool; the next start sends it.`,
  )
  .action(async (options: ServeOptions) => {
    const { config, ...flags } = options
    const overrides = overridesOf(flags)
    const warnings: string[] = []
    const settings = readSettings(config ?? null, process.env, overrides, warnings)
    const log = stderrLog(settings.logLevel)
    for (const warning of warnings) log.warn(warning)
    const runUntilStopped = catchSignals(log)
    const isEmbedded = !isServiceConfigured(settings)
    const served = await serve(settings, isEmbedded, log)
    const { gateway, service, data, workers } = served.facts
    log.info('serving', { version: version(), gateway, service, data, workers })
    print(options.json ? JSON.stringify(served.facts) : serveBanner(served.facts, isColour))
    await runUntilStopped(async () => {
      const { records: left, areKept } = await served.stop()
      if (left === 0) log.info('stopped, nothing left')
      else if (areKept) log.info('stopped; what is left is kept, the next start sends it', { left })
      else log.warn('stopped with records left, which have failed', { left })
    })
  })

program
  .command('kinesis')
  .description('Run the embedded Kinesis alone, for any AWS SDK or CLI.')
  .option('--config <file>', 'configuration file (default: headgate.yaml, if there is one)')
  .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
  .option('--port <port>', 'port, 0 for any (default: 4567)')
  .option('--tls-port <port>', 'port for TLS, 0 for any (default: none)')
  .option('--data <directory>', 'where data is kept (default: .headgate)')
  .option('--json', 'say where it is as one JSON line')
  .addHelpText('after', '\nExample:\n  headgate kinesis --port 4567 --data /tmp/kinesis')
  .action(async (options: ServeOptions) => {
    const overrides = overridesOf({
      host: options.host,
      kinesisPort: options.port,
      kinesisTlsPort: options.tlsPort,
      data: options.data,
    })
    const settings = readSettings(options.config ?? null, process.env, overrides)
    const log = stderrLog(settings.logLevel)
    const runUntilStopped = catchSignals(log)
    const opened = await openKinesis(settings, log)
    print(options.json ? JSON.stringify(opened.facts) : kinesisBanner(opened.facts, isColour))
    await runUntilStopped(opened.stop)
  })

program
  .command('tail')
  .description('Read a stream, take aggregated records apart, print one JSON line a record.')
  .argument('<stream>', 'name of the stream')
  .option(
    '--endpoint <url>',
    'the Kinesis to read (default: the embedded one, or AWS if configured)',
  )
  .option('--region <region>', 'AWS region (AWS_REGION)')
  .addOption(
    new Option(
      '--from <where>',
      'latest, trim-horizon, or a time: 2026-01-31T12:00Z or epoch seconds',
    )
      .argParser(startOf)
      .default({ type: 'TRIM_HORIZON' } satisfies TailStart, 'trim-horizon'),
  )
  .addOption(new Option('--count <n>', 'stop after n records').argParser(countOf))
  .option('--json', 'JSON lines; what is printed anyway')
  .addHelpText('after', '\nExample:\n  headgate tail s2 --count 1')
  .action(
    (
      stream: string,
      options: { endpoint?: string; region?: string; from: TailStart; count?: number },
    ) => runTail({ stream, ...options }),
  )

program
  .command('check')
  .description('Validate the configuration and, against AWS, the streams and permissions.')
  .option('--config <file>', 'configuration file (default: headgate.yaml, if there is one)')
  .option('--region <region>', 'AWS region (AWS_REGION)')
  .option('--endpoint <url>', 'another Kinesis to check (AWS_ENDPOINT_URL_KINESIS)')
  .option('--json', 'print what was found as JSON')
  .addHelpText('after', '\nExample:\n  headgate check --config headgate.yaml')
  .action(async ({ config, region, endpoint, json }: ServeOptions) => {
    const settings = readSettings(config ?? null, process.env, overridesOf({ region, endpoint }))
    process.exitCode = await runCheck(settings, { isJson: json === true, print })
  })

addDeadLetters(program, print)
addSpool(program, print)
addLab(program, print)

interface Flags {
  host?: string | undefined
  port?: string | undefined
  kinesisPort?: string | undefined
  kinesisTlsPort?: string | undefined
  data?: string | undefined
  region?: string | undefined
  endpoint?: string | undefined
  workers?: string | undefined
}

/** Options as they were typed; the tables of settings turn the text into values and judge it. */
function overridesOf(flags: Flags): SettingsOverrides {
  const { host, port, kinesisPort, kinesisTlsPort, data, region, endpoint, workers } = flags
  return {
    host,
    port,
    data,
    workers,
    producer: { region, endpoint },
    kinesis: { port: kinesisPort, tlsPort: kinesisTlsPort },
  } as unknown as SettingsOverrides
}

function startOf(text: string): TailStart {
  const start = parseStart(text)
  if (start === null) throw new InvalidArgumentError('Say latest, trim-horizon or a time.')
  return start
}

function countOf(text: string): number {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new InvalidArgumentError('Say a number from 1 on.')
  return Number(text)
}

// A reader that went away, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.good : EXIT.failed)
})

try {
  if (process.argv.length <= 2) {
    program.outputHelp({ error: true })
    process.exitCode = EXIT.usage
  } else await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.usage
  } else if (error instanceof ExitError) {
    process.stderr.write(`headgate: ${error.message}\n`)
    process.exitCode = error.exitCode
  } else throw error
}
