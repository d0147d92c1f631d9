// Gateways and spools that do not remember what was sent to them before.

import type { SpooledLineParts } from '../../src/assemble.ts'
import type { HttpService } from '../../src/host/index.ts'
import { RECORD_ID_HEADER } from '../../src/sim/http-client.ts'
import type { LineHooks } from '../../src/sim/index.ts'

type Hooks = Partial<LineHooks>

function gatewayThatHears(change: (headers: readonly string[]) => readonly string[]): Hooks {
  const gateway = (inner: HttpService): HttpService => ({
    begin: (head) => inner.begin({ ...head, headers: change(head.headers) }),
  })
  return { gateway }
}

/** Knows no idempotency keys. */
export function gatewayWithoutKeys(): Hooks {
  return gatewayThatHears((headers) => without(headers, 'idempotency-key'))
}

function without(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, index) => headers[index - (index % 2)] !== name)
}

/** Takes each id of a header for one that it has not seen. */
export function gatewayWithNewIds(): Hooks {
  let count = 0
  return gatewayThatHears((headers) =>
    headers.map((value, at) => (headers[at - 1] === RECORD_ID_HEADER ? `${++count}` : value)),
  )
}

/** Knows no key that was made of an id in a body, which is a number. */
export function spoolWithoutIds(): Hooks {
  return {
    line: (line) => {
      if (!('spool' in line)) return
      const { spool } = line as SpooledLineParts
      const known = spool.idempotency.bind(spool)
      spool.idempotency = (key) => (/ [0-9]+$/.test(key) && !key.includes('№') ? null : known(key))
    },
  }
}
