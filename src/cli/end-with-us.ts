// Children that must not outlive this process, however it ends; kill -9 apart.

import type { ChildProcess } from 'node:child_process'

const children = new Set<ChildProcess>()

/** One listener for all of them: Node takes more than ten for a leak. */
function endAll(): void {
  for (const child of children) child.kill('SIGKILL')
}

/** Is killed when this process ends, unless it has ended before. */
export function endWithUs(child: ChildProcess): void {
  if (children.size === 0) process.on('exit', endAll)
  children.add(child)
  child.once('exit', () => {
    children.delete(child)
    if (children.size === 0) process.off('exit', endAll)
  })
}
