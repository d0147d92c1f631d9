// Ends a test run whose thread is caught in an endless loop: no timer of that thread would ever run
// again, so a second thread watches.

import { Worker } from 'node:worker_threads'

/** Milliseconds since the epoch of the last sign of life, tests passed, tests failed. */
const CELLS = 3

const WATCH = `
const { writeSync } = require('node:fs')
const { workerData: { cells, patienceMs } } = require('node:worker_threads')
setInterval(() => {
  const silentMs = Date.now() - Number(Atomics.load(cells, 0))
  if (silentMs < patienceMs) return
  const [passed, failed] = [Atomics.load(cells, 1), Atomics.load(cells, 2) + 1n]
  writeSync(1, '\\nNo test ended for ' + patienceMs / 1000 + ' s: one of them never lets go of the ' +
    'processor. Find it with --isolated.\\n' + passed + ' passed, ' + failed + ' failed\\n')
  process.kill(process.pid, 'SIGKILL')
}, 1000)
`

export class Watchdog {
  readonly #cells = new BigInt64Array(new SharedArrayBuffer(CELLS * 8))
  readonly #worker: Worker

  /** Kills the process when nothing was reported for `patienceMs`. */
  constructor(patienceMs: number) {
    this.report(0, 0)
    this.#worker = new Worker(WATCH, { eval: true, workerData: { cells: this.#cells, patienceMs } })
    this.#worker.unref()
  }

  /** The run is alive, and has come this far. */
  report(passed: number, failed: number): void {
    Atomics.store(this.#cells, 1, BigInt(passed))
    Atomics.store(this.#cells, 2, BigInt(failed))
    Atomics.store(this.#cells, 0, BigInt(Date.now()))
  }
}
