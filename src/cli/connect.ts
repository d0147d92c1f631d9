// A connection of the commands to a Kinesis: the local one, or AWS's when that is configured.

import { awsCredentials, NodeClock, NodeNetwork } from '../host/node/index.ts'
import { Client, CredentialsKeeper, clientConfigOf } from '../producer/index.ts'
import { LOCAL_KEYS } from './gateway-line.ts'
import { Service } from './service.ts'
import type { Settings } from './settings.ts'
import { networkOf } from './world.ts'

export interface Connection {
  readonly endpoint: string
  readonly service: Service
  close(): void
}

/** `isLocal`: no keys are looked for, any will do. */
export function connect(producer: Settings['producer'], isLocal: boolean): Connection {
  const clock = new NodeClock()
  const network = new NodeNetwork({ clock, ...networkOf(producer, isLocal) })
  const provider = isLocal ? () => Promise.resolve(LOCAL_KEYS) : awsCredentials()
  // JSON, because every stand-in speaks it.
  const config = clientConfigOf({ ...producer, wireFormat: 'json' })
  const client = new Client({ clock, network }, config, new CredentialsKeeper(clock, provider))
  return {
    endpoint: config.endpoint,
    service: new Service(client, clock),
    close: () => network.close(),
  }
}
