// The one place where virtual time meets Node's event loop.

/** Runs `task` when every promise that can settle now has settled. */
export function nextTurn(task: () => void): void {
  // biome-ignore lint/style/noRestrictedGlobals: virtual time is made here, of Node's turns.
  setImmediate(task)
}
