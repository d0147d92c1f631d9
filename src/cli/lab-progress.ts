// How far a run is: one line on a terminal, nothing in a pipe.

import type { Progress } from '../lab/index.ts'

const SAY_EVERY_MS = 200

export class ProgressLine {
  readonly #isShown = process.stderr.isTTY === true
  #startedAtMs = performance.now()
  #saidAtMs = 0
  #title = ''

  /** Called as often as one likes. */
  say(progress: Progress): void {
    const nowMs = performance.now()
    if (progress.title !== this.#title) {
      this.#title = progress.title
      this.#startedAtMs = nowMs
    }
    if (!this.#isShown || nowMs - this.#saidAtMs < SAY_EVERY_MS) return
    this.#saidAtMs = nowMs
    process.stderr.write(`\r\u001b[2K${progressText(progress, nowMs - this.#startedAtMs)}`)
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\u001b[2K')
  }
}

/** `realMs`: how long it has taken so far. */
export function progressText(progress: Progress, realMs: number): string {
  const { title, virtualMs, samples, planned, outstanding } = progress
  const perSecond = samples / Math.max(realMs / 1000, 0.001)
  const leftS = Math.ceil((planned - samples) / Math.max(perSecond, 0.001))
  const left = samples >= planned ? `${outstanding} still on their way` : `${leftS} s left`
  const percent = Math.floor((samples / planned) * 100)
  return (
    `${title}: ${clock(virtualMs)}, ${samples} of ${planned} samples (${percent} %), ` +
    `${Math.round(perSecond)}/s, ${left}`
  )
}

/** `1:04:20`. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const two = (value: number) => String(value % 60).padStart(2, '0')
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60))}:${two(seconds)}`
}
