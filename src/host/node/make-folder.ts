// Makes a folder and those above it, one by one. Node's own way of making them all never comes back
// where a folder that is there refuses a new one with ENOENT, as /proc does.

import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Resolves with the uppermost folder that was made, or with null when it was there already. */
export async function makeFolder(folder: string): Promise<string | null> {
  try {
    await mkdir(folder)
    return folder
  } catch (error) {
    if (await isFolder(folder)) return null
    const parent = dirname(folder)
    const isParentMissing = (error as NodeJS.ErrnoException).code === 'ENOENT' && parent !== folder
    if (!isParentMissing || (await isFolder(parent))) throw error
    const firstMade = await makeFolder(parent)
    return (await makeFolder(folder)) === null ? firstMade : (firstMade ?? folder)
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
