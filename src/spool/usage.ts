// What the spool holds, all segments together.

/** Kept free for the outcome of each unsettled record: its frame when it settles alone. */
export const OUTCOME_RESERVE_BYTES = 128

export class Usage {
  /** Logs and outcomes on the disk. */
  bytes = 0
  /** Those of them that the newest log is going to write over. */
  reserveBytes = 0
  unsettledCount = 0
  damagedBytes = 0
  damagedCount = 0
  /** Unsettled, and not given by the disk since the start. */
  unreadableCount = 0
  /** Segments in which such records are, or may be. */
  readonly unreadable = new Set<string>()
  /** Since the start: receipts that went before `receipts.retentionMs` was over. */
  forgottenReceiptCount = 0
  /** Idempotency keys within their window that a restart will not know. */
  forgottenKeyCount = 0
  syncCount = 0

  /** What is on the disk now and what the unsettled records will add to it. */
  get claimedBytes(): number {
    return this.bytes - this.reserveBytes + this.unsettledCount * OUTCOME_RESERVE_BYTES
  }
}
