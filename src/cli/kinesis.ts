// headgate kinesis: the embedded Kinesis alone.

import type { Log } from '../host/index.ts'
import type { KinesisFacts } from './banner.ts'
import { openEmbedded } from './embedded.ts'
import { embeddedOptionsOf } from './serve.ts'
import { type Settings, settingsFields } from './settings.ts'
import { networkOf, openWorld } from './world.ts'

export interface OpenedKinesis {
  readonly facts: KinesisFacts
  stop(): Promise<void>
}

/** Opens it, or throws an `ExitError` and leaves nothing open. */
export async function openKinesis(settings: Settings, log: Log): Promise<OpenedKinesis> {
  const world = await openWorld(settings.data, networkOf(settings.producer, true))
  try {
    const options = { ...embeddedOptionsOf(settings), streams: streamsOf(settings) }
    const embedded = await openEmbedded(world, options, log)
    const { endpoint, tlsEndpoint } = embedded
    const streams = options.streams.map((stream) => stream.name)
    return {
      facts: { endpoint, tlsEndpoint, data: settings.data, streams },
      stop: async () => {
        await embedded.close()
        await world.close()
      },
    }
  } catch (error) {
    await world.close()
    throw error
  }
}

/**
 * The streams that somebody asked for. The default ones are the gateway's; alone we begin empty.
 */
function streamsOf({ kinesis: { streams } }: Settings): Settings['kinesis']['streams'] {
  return streams === settingsFields.kinesis.streams.default ? [] : streams
}
