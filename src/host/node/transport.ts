// From the settings of a connection to the options of the network, certificates read.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeNetworkOptions } from './node-network.ts'
import { type ProxySettings, proxyChoiceOf } from './proxy.ts'
import { readTextFile } from './read-text-file.ts'

export interface TransportSettings extends ProxySettings {
  /** Milliseconds. */
  readonly connectTimeout: number
  readonly verifyCertificate: boolean
  /** A file of certificates; nothing: the well-known ones. */
  readonly caCertFile: string
  /** A directory of such files. */
  readonly caCertPath: string
}

/** How connections are made; everything else as the network has it by itself. */
export type Connections = Required<Pick<NodeNetworkOptions, 'connectTimeoutMs' | 'tls' | 'proxyOf'>>

/** What the process was started with. */
export const environment: Readonly<Record<string, string | undefined>> = process.env

/** Throws what the system says for certificates that cannot be read, and for bad proxies. */
export function networkOptionsOf(
  settings: TransportSettings,
  env: Readonly<Record<string, string | undefined>> = environment,
): Connections {
  const ca = certificatesOf(settings)
  return {
    connectTimeoutMs: settings.connectTimeout,
    tls: {
      rejectUnauthorized: settings.verifyCertificate,
      ...(ca.length === 0 ? {} : { ca }),
    },
    proxyOf: proxyChoiceOf(settings, env),
  }
}

const BEGIN = '-----BEGIN CERTIFICATE-----'

function certificatesOf({ caCertFile, caCertPath }: TransportSettings): string[] {
  const files = caCertFile === '' ? [] : [caCertFile]
  if (caCertPath !== '') {
    for (const entry of readdirSync(caCertPath, { withFileTypes: true })) {
      // Directories for OpenSSL are full of links, whose names are hashes.
      if (entry.isFile() || entry.isSymbolicLink()) files.push(join(caCertPath, entry.name))
    }
  }
  const found = files
    .map((file) => readTextFile(file, 'utf8'))
    .filter((text) => text.includes(BEGIN))
  if (found.length === 0 && files.length + caCertPath.length > 0) {
    throw new Error(`There is no certificate in ${caCertFile || caCertPath}.`)
  }
  return found
}
