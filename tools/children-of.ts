import { execFileSync } from 'node:child_process'

/** Ids of the processes that this one has launched and that have not ended. */
export function childrenOf(pid: number): number[] {
  return execFileSync('ps', ['-A', '-o', 'ppid=,pid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([parent]) => parent === pid)
    .map(([, child]) => child!)
}
