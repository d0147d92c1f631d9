export { BufferPool } from './buffer-pool.ts'
export { type Clock, type Timer, until } from './clock.ts'
export {
  appendDurably,
  below,
  CLEAR_BYTES,
  type Disk,
  DiskError,
  type LogFile,
  type Reserve,
  SyncError,
  syncAppended,
} from './disk.ts'
export { checkFileName } from './file-name.ts'
export type { Host } from './host.ts'
export { type Log, type LogFields, silentLog } from './log.ts'
export { Content, MemoryDisk, type MemoryDiskOptions } from './memory-disk.ts'
export { messageOf } from './message-of.ts'
export {
  type BodyTaker,
  CUT,
  type HttpAnswer,
  type HttpHead,
  type HttpRequest,
  type HttpService,
  headerOf,
  isAnswer,
  isCut,
  isRepeated,
  type Network,
  type NoAnswer,
  type RawHeaders,
} from './network.ts'
export type { Random } from './random.ts'
export { SELDOM_LINE_MS, SeldomLine } from './seldom-line.ts'
export { type QueuedTimer, TimerQueue } from './timer-queue.ts'
export { urlHost } from './url-host.ts'
