// kinesalite, the usual stand-in, in a process of its own, with its data in memory.

import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { answerCalls } from '../child.ts'

type Kinesalite = (options: { createStreamMs: number; deleteStreamMs: number }) => Server

function start(): Promise<number> {
  const kinesalite = createRequire(import.meta.url)('kinesalite') as Kinesalite
  const server = kinesalite({ createStreamMs: 1, deleteStreamMs: 1 })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

answerCalls({ start })
