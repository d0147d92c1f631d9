// How far V8 lets the heap of a process that serves grow.

import { setFlagsFromString } from 'node:v8'

/** Old objects may become so much more before V8 looks through all of them. */
const GROWING_PERCENT = 100

/**
 * V8 lets a small heap grow slowly once it has been idle, and counts the bodies under way as
 * growth: under load it then looks through all old objects, of which next to none has gone, several
 * times a second.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`)
}
