// A moment of Node's: behind what is due on promises, and before it looks for those that were
// rejected with nobody to catch them.

import { nextTick } from 'node:process'

/** Resolves when everything that hangs on promises which are settled by now has run. */
export function afterPromises(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve))
}
