// The gateway's numbers in the text format that Prometheus scrapes (exposition format 0.0.4).

import type { WorkersCounts } from './peers.ts'
import { UNREADY_REASONS } from './readiness.ts'
import type { GatewaySnapshot } from './snapshot.ts'

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly says: string
  /** Label value, if any, and value. */
  readonly samples: readonly (readonly [label: string | null, value: number])[]
  readonly label?: string
}

const one = (value: number) => [[null, value]] as const

function ledgerFamilies({ ledger, imbalance, waiting }: GatewaySnapshot): Family[] {
  const counter = (name: string, says: string, value: number): Family => {
    return { name: `headgate_ledger_${name}_total`, type: 'counter', says, samples: one(value) }
  }
  return [
    counter('attempts', 'Records that asked to enter.', ledger.attempts),
    counter('successes', 'Records delivered.', ledger.successes),
    counter('failures', 'Records given up after they entered.', ledger.failures),
    counter('exhausted', 'Records turned away before they entered.', ledger.exhausted),
    {
      name: 'headgate_ledger_outstanding',
      type: 'gauge',
      says: 'Records that are none of these yet.',
      samples: one(ledger.outstanding),
    },
    {
      name: 'headgate_ledger_imbalance',
      type: 'gauge',
      says: 'Zero, always; anything else is a record that was lost or counted twice.',
      samples: one(imbalance),
    },
    {
      name: 'headgate_waiting_records',
      type: 'gauge',
      says: 'Records that wait in line to be let in.',
      samples: one(waiting),
    },
  ]
}

function requestFamilies(snapshot: GatewaySnapshot): Family[] {
  const { requests, refusals, openRequests, closedConnections, unready } = snapshot
  return [
    {
      name: 'headgate_requests_total',
      type: 'counter',
      says: 'Requests answered, by status.',
      label: 'status',
      samples: Object.entries(requests),
    },
    {
      name: 'headgate_refusals_total',
      type: 'counter',
      says: 'Requests refused, by the code of the problem.',
      label: 'code',
      samples: Object.entries(refusals),
    },
    {
      name: 'headgate_unready_processes',
      type: 'gauge',
      says: 'Processes whose readyz is 503, by each reason that holds.',
      label: 'reason',
      samples: UNREADY_REASONS.map((reason) => [reason, unready[reason] ?? 0] as const),
    },
    {
      name: 'headgate_open_requests',
      type: 'gauge',
      says: 'Requests that wait for their body or their answer.',
      samples: one(openRequests),
    },
    {
      name: 'headgate_closed_connections_total',
      type: 'counter',
      says: 'Connections closed as they came, because as many were open as may be.',
      samples: one(closedConnections),
    },
  ]
}

function gauge(name: string, says: string, value: number): Family {
  return { name: `headgate_${name}`, type: 'gauge', says, samples: one(value) }
}

function storeFamilies({
  heldBytes,
  spool,
  deadLetters,
  refusedStreams,
}: GatewaySnapshot): Family[] {
  const families = [gauge('held_bytes', 'Bytes that records hold in memory.', heldBytes)]
  if (spool !== null) {
    families.push(
      gauge('refused_streams', 'Streams that refuse everything.', refusedStreams),
      gauge('spool_bytes', 'Bytes of the spool on the disk.', spool.bytes),
      gauge('spool_max_bytes', 'As many as there may be.', spool.maxBytes),
      gauge('spool_segments', 'Files of records.', spool.segments),
      gauge('spool_unsettled_records', 'Records in the spool.', spool.unsettledRecords),
      gauge('spool_oldest_age_seconds', 'Age of the oldest of them.', spool.oldestAgeMs / 1000),
      gauge('spool_window_bytes', 'Bytes handed on and not settled.', spool.windowBytes),
      gauge('spool_window_records', 'Records handed on and not settled.', spool.windowRecords),
      gauge('spool_waiting_bytes', 'Bytes on their way to the disk.', spool.waitingBytes),
      gauge(
        'spool_parked_records',
        'Failed records that wait for room among the dead letters.',
        spool.parkedRecords,
      ),
      gauge('spool_damaged_bytes', 'Bytes that could not be read back.', spool.damagedBytes),
      gauge(
        'spool_unreadable_records',
        'Records that the disk does not give; they wait for the next start.',
        spool.unreadableRecords,
      ),
      gauge('spool_unreadable_files', 'Files in which they are.', spool.unreadableFiles),
      gauge(
        'spool_forgotten_receipts',
        'Receipts that went before their time, since the start.',
        spool.forgottenReceipts,
      ),
      gauge(
        'spool_forgotten_keys',
        'Idempotency keys within their window that a restart will not know.',
        spool.forgottenKeys,
      ),
      gauge(
        'spool_is_ok',
        '1 when the spool takes records and its failures have room, else 0.',
        spool.state === 'ok' ? 1 : 0,
      ),
    )
  }
  if (deadLetters !== null) {
    families.push(
      gauge('dead_letters', 'Records that could not be delivered and are kept.', deadLetters.count),
      gauge('dead_letters_max', 'As many as there may be.', deadLetters.maxCount),
      gauge('dead_letters_bytes', 'Their bytes on the disk.', deadLetters.bytes),
      gauge('dead_letters_max_bytes', 'As many as there may be.', deadLetters.maxBytes),
    )
  }
  return families
}

function processFamilies(processCount: number, workers: WorkersCounts | null): Family[] {
  const processes = gauge('processes', 'Processes of which this is the sum.', processCount)
  if (workers === null) return [processes]
  const counter = (name: string, says: string, value: number): Family => {
    return { name: `headgate_workers_${name}_total`, type: 'counter', says, samples: one(value) }
  }
  return [
    processes,
    gauge('workers_wanted', 'Processes that there should be.', workers.wanted),
    gauge('workers_ready', 'Of those, that have started and not ended.', workers.ready),
    counter('replaced', 'Processes that ended and were replaced.', workers.replaced),
    counter('hung', 'Of those, ended because they gave no sign of life.', workers.hung),
  ]
}

export function metricsText(
  snapshot: GatewaySnapshot,
  processCount: number,
  workers: WorkersCounts | null,
): string {
  return [
    ...ledgerFamilies(snapshot),
    ...requestFamilies(snapshot),
    ...storeFamilies(snapshot),
    ...processFamilies(processCount, workers),
  ]
    .map(textOf)
    .join('')
}

function textOf({ name, type, says, samples, label }: Family): string {
  const lines = [`# HELP ${name} ${says}`, `# TYPE ${name} ${type}`]
  for (const [value, amount] of samples) {
    lines.push(`${name}${value === null ? '' : `{${label}="${value}"}`} ${amount}`)
  }
  return `${lines.join('\n')}\n`
}
