// Processes of our own program that share a port, and the channels to them. Node's cluster carries
// both: where the system shares a port out (`isShared` of `listen`), each listens by itself; where
// it cannot, the first process accepts connections for all and hands them round.

import cluster from 'node:cluster'
import { messageOf } from '../message-of.ts'

export interface ChildEvents {
  message(message: unknown): void
  /** How it ended, in words. Comes once, last. */
  ended(how: string): void
}

export interface Child {
  /** Harmless when it has ended. */
  send(message: object): void
  kill(): void
}

/** Runs a program of ours with the same standard streams, environment and options of Node. */
export function launchChild(program: string, events: ChildEvents): Child {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({ exec: program, args: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const child = cluster.fork()
  let isEnded = false
  const end = (how: string) => {
    if (isEnded) return
    isEnded = true
    events.ended(how)
  }
  child.on('message', (message) => events.message(message))
  child.on('error', (error) => end(messageOf(error)))
  child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`))
  return {
    send(message) {
      // What is under way to a process that ends is lost with it: `exit` tells the rest.
      if (child.isConnected()) child.send(message, () => {})
    },
    kill() {
      child.process.kill('SIGKILL')
    },
  }
}

/**
 * This process's end of the channel; what it returns resolves when the message is on its way.
 * Throws where nobody launched this process. When the one that launched it is gone, this one ends
 * at once.
 */
export function connectToParent(
  onMessage: (message: unknown) => void,
): (message: object) => Promise<void> {
  if (!cluster.isWorker) throw new Error('this program is started by another one, not by hand')
  process.on('message', onMessage)
  return (message) =>
    new Promise((resolve) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
      else resolve()
    })
}
