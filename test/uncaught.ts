// What comes out by itself in a test, where it is meant to.

import type { TestContext } from 'node:test'

/** Of the rest of the test: what is thrown apart. */
export function uncaughtOf(t: TestContext): unknown[] {
  const thrown: unknown[] = []
  const onUncaught = (error: unknown) => thrown.push(error)
  // The test runner has one of its own, which fails the test.
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', onUncaught)
  t.after(() => {
    process.off('uncaughtException', onUncaught)
    for (const other of others) process.on('uncaughtException', other)
  })
  return thrown
}

/** A log whose functions throw. */
export const throwingLog = { info: throwing, warn: throwing, error: throwing }

function throwing(): never {
  throw new Error('thrown by the log')
}
