// Children that must not outlive this process, however it ends; kill -9 apart.

import type { ChildProcess } from 'node:child_process'

/** Is killed when this process ends, unless it has ended before. */
export function endWithUs(child: ChildProcess): void {
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  child.once('exit', () => process.off('exit', kill))
}
