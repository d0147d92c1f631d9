// Appends more than the system lets a file of this process have, and says what it was told.

import { appendDurably, type DiskError } from '../../src/host/index.ts'
import { NodeDisk } from '../../src/host/node/index.ts'

process.on('SIGXFSZ', () => {})
const disk = await NodeDisk.open(process.argv[2]!)
const file = await disk.open('log')
await appendDurably(file, [Buffer.from('one')])
const error: DiskError = await appendDurably(file, [Buffer.alloc(40_000)]).then(
  () => Promise.reject(new Error('it was written')),
  (error) => error,
)
const sizeBytes = file.sizeBytes()
await file.truncate(3)
await appendDurably(file, [Buffer.from('two')])
const afterCut = String(await file.read(0, 100))
await file.close()
await disk.close()
const { name, code } = error
process.stdout.write(JSON.stringify({ name, code, sizeBytes, afterCut }))
