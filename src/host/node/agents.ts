// Node's pools of kept connections, one for each protocol; directly or through a proxy.

import { Agent as HttpAgent } from 'node:http'
import { type AgentOptions, Agent as HttpsAgent } from 'node:https'
import type { Tunnels, TunnelTarget } from './tunnel.ts'

export interface Agents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  close(): void
}

/** `tunnels` is null for connections without a proxy. */
export function agentsThrough(tunnels: Tunnels | null, options: AgentOptions): Agents {
  const http = new HttpAgent(options)
  const https = new HttpsAgent(options)
  if (tunnels !== null) {
    lead(http, tunnels, false)
    lead(https, tunnels, true)
  }
  const close = () => {
    http.destroy()
    https.destroy()
    tunnels?.close()
  }
  return { http, https, close }
}

/** Lets an agent get its connections through the tunnels. */
function lead(agent: HttpAgent, tunnels: Tunnels, isTls: boolean): void {
  agent.createConnection = (options, callback) => {
    const target = { ...options, isTls } as TunnelTarget
    tunnels.open(target, callback as Parameters<Tunnels['open']>[1])
    return undefined
  }
}
