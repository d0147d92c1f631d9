// Files, as the outside lends them: logs that only grow at their end, and small files that are
// replaced whole. Names are relative to the disk's own directory, parts joined by `/`.

export interface Disk {
  /** Opens a log, making it (durably: its directory entry is synced too) when there is none. */
  open(name: string): Promise<LogFile>
  /**
   * Makes an empty log out of a file that nobody has open, durably: its old name is gone. The old
   * bytes are there to be written over, so that nothing has to be reserved (`Reserve`). When this
   * rejects, either name may be there. Where it is missing, a new log is made by `open`.
   */
  renew?(oldName: string, name: string): Promise<LogFile>
  /** Every file, in no particular order. */
  list(): Promise<readonly string[]>
  /** Removes a file durably; harmless when there is none. */
  remove(name: string): Promise<void>
  /** Replaces a small file: after a crash the old or the new content is there, whole. */
  replace(name: string, bytes: Uint8Array): Promise<void>
  /**
   * Writes what can be read of a file to a new one that takes its place: after a crash the old or
   * the new is there, whole. What an ended process wrote is durable only so: a sync that failed may
   * have dropped bytes that can still be read, and a second one says that all is well. Nobody has
   * the file open. Rejects with ENOENT when there is none.
   */
  rewrite(name: string): Promise<void>
  /** The content of a file, or null when there is none. */
  load(name: string): Promise<Buffer | null>
  /** Bytes of a file, also of one that cannot be opened; 0 when there is none. */
  sizeOf(name: string): Promise<number>
}

export interface LogFile {
  readonly name: string
  /** Bytes appended so far, synced or not. */
  sizeBytes(): number
  /**
   * Adds the chunks at the end, in order. Rejects with a `DiskError`; then some bytes may be
   * there: `truncate` before going on. One append at a time. The chunks stay unchanged until then.
   */
  append(chunks: readonly Uint8Array[]): Promise<void>
  /** Resolves when all bytes whose append had resolved before this call survive power loss. */
  sync(): Promise<void>
  /**
   * Append and sync in one, where that is possible. What was appended before, but not synced, need
   * not survive. `appendDurably` is for all files.
   */
  appendSynced?(chunks: readonly Uint8Array[], reserve: Reserve): Promise<void>
  /**
   * Up to `lengthBytes` bytes from `position`; fewer only where the file ends. In `room`, which has
   * at least as many, they may come: then they are good until it is given again.
   */
  read(position: number, lengthBytes: number, room?: Buffer): Promise<Buffer>
  truncate(sizeBytes: number): Promise<void>
  close(): Promise<void>
}

/** What a disk can do to us. `code` is the system's: ENOSPC, EIO, EACCES, … */
export class DiskError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'DiskError'
    this.code = code
  }
}

/**
 * A sync that failed: the system may have dropped what it could not write, and says so only once.
 */
export class SyncError extends DiskError {
  constructor({ code, message }: DiskError) {
    super(code, message)
    this.name = 'SyncError'
  }
}

/** Zeros between what was appended to a renewed log and the old bytes behind it. */
export const CLEAR_BYTES = 32

/**
 * A file that need not grow is synced in half the time: its size need not be written, too. So bytes
 * are written before they are used, as zeros. They do not count in `sizeBytes()` and go when the
 * file is closed; after a crash they are there. In a log that was renewed the old bytes are what is
 * written over; behind what was appended `CLEAR_BYTES` of them are zeros, or nothing was.
 */
export interface Reserve {
  /** How many are written when none is left; 0 reserves nothing. */
  readonly reserveBytes: number
}

/**
 * Adds the chunks at the end; resolves when they survive power loss. Rejects with a `SyncError`
 * when bytes are in the file that the sync failed for, else with a `DiskError` as `append` does.
 */
export async function appendDurably(
  file: LogFile,
  chunks: readonly Uint8Array[],
  reserve: Reserve = { reserveBytes: 0 },
): Promise<void> {
  if (file.appendSynced !== undefined) return file.appendSynced(chunks, reserve)
  await file.append(chunks)
  await syncAppended(file)
}

/** The second half of it: whatever fails is a `SyncError`. */
export async function syncAppended(file: Pick<LogFile, 'sync'>): Promise<void> {
  try {
    await file.sync()
  } catch (error) {
    throw new SyncError(error as DiskError)
  }
}

/** The part of a disk below a folder: names in it are relative to that folder. */
export function below(disk: Disk, folder: string): Disk {
  const prefix = `${folder}/`
  const renew = disk.renew?.bind(disk)
  return {
    open: (name) => disk.open(prefix + name),
    ...(renew && { renew: (oldName, name) => renew(prefix + oldName, prefix + name) }),
    list: async () =>
      (await disk.list())
        .filter((name) => name.startsWith(prefix))
        .map((name) => name.slice(prefix.length)),
    remove: (name) => disk.remove(prefix + name),
    replace: (name, bytes) => disk.replace(prefix + name, bytes),
    rewrite: (name) => disk.rewrite(prefix + name),
    load: (name) => disk.load(prefix + name),
    sizeOf: (name) => disk.sizeOf(prefix + name),
  }
}
