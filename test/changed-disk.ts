// A disk's own methods, for a disk of a test that differs in some of them.

import { type Disk, DiskError, type LogFile } from '../src/host/index.ts'

/** Append and sync stay two calls, so that either can be changed. */
export function fileMethodsOf(file: LogFile): LogFile {
  return {
    name: file.name,
    sizeBytes: () => file.sizeBytes(),
    append: (chunks) => file.append(chunks),
    sync: () => file.sync(),
    read: (position, lengthBytes, room) => file.read(position, lengthBytes, room),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    close: () => file.close(),
  }
}

export function methodsOf(disk: Disk): Disk {
  const renew = disk.renew?.bind(disk)
  return {
    ...(renew && { renew }),
    open: (name) => disk.open(name),
    list: () => disk.list(),
    load: (name) => disk.load(name),
    sizeOf: (name) => disk.sizeOf(name),
    remove: (name) => disk.remove(name),
    replace: (name, bytes) => disk.replace(name, bytes),
    rewrite: (name) => disk.rewrite(name),
  }
}

/** The same disk, which does not give one byte of a log, nor what is read with it. */
export function withBadPlace(disk: Disk, name: string, badAt: number): Disk {
  return {
    ...methodsOf(disk),
    open: async (one) => {
      const file = await disk.open(one)
      const read = async (position: number, lengthBytes: number) => {
        const isBad = one === name && position <= badAt && badAt < position + lengthBytes
        if (isBad) throw new DiskError('EIO', 'the disk failed')
        return file.read(position, lengthBytes)
      }
      return { ...fileMethodsOf(file), read }
    },
  }
}
