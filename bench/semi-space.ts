// See gateway-accepted.ts, which has the gateway.

export { runSemiSpace as run } from './gateway-accepted.ts'
