// See gateway-accepted.ts, which has both.

export { runDurable as run } from './gateway-accepted.ts'
