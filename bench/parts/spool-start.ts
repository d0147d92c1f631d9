// A spool with a gigabyte in one log, started again and again.

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config/index.ts'
import { silentLog } from '../../src/host/index.ts'
import { NodeClock, NodeDisk, NodeRandom } from '../../src/host/node/index.ts'
import { Spool, spoolFields } from '../../src/spool/index.ts'
import { answerCalls } from '../child.ts'

const DATA_BYTES = 1600
const RECORDS = 600_000
/** Appended at a time. */
const BATCH = 1000
/** The largest that may be, so that all is in one. */
const SEGMENT_BYTES = 1024 * 1024 * 1024

const directory = mkdtempSync(join(tmpdir(), 'headgate-spool-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const config = readConfig(spoolFields, { overrides: { spool: { segmentBytes: SEGMENT_BYTES } } })
const host = { clock: new NodeClock(), random: new NodeRandom() }
const deadLetters = { add() {}, onRoom() {} }

async function opened() {
  const disk = await NodeDisk.open(directory)
  const spool = await Spool.open({ ...host, disk }, config, { deadLetters }, silentLog)
  const close = async () => {
    await spool.close(10_000)
    await disk.close()
  }
  return { spool, close }
}

async function fill(): Promise<void> {
  const { spool, close } = await opened()
  const data = Buffer.alloc(DATA_BYTES, 'x')
  const records = [{ stream: 's', partitionKey: 'key', explicitHashKey: null, data }]
  const append = () =>
    new Promise<void>((resolve, reject) => {
      const refused = ({ message }: { message: string }) => reject(new Error(message))
      spool.append({ records, idempotency: null, settled: null, durable: () => resolve(), refused })
    })
  for (let left = RECORDS; left > 0; left -= BATCH) {
    await Promise.all(Array.from({ length: BATCH }, append))
  }
  await close()
}

/** Seconds a gigabyte, and CPU seconds. `isKilled`: nothing says that the log is on the disk. */
async function start({ isKilled }: { isKilled: boolean }): Promise<readonly number[]> {
  const names = readdirSync(directory)
  const of = (kind: string) => join(directory, names.find((name) => name.endsWith(kind))!)
  const gigabytes = statSync(of('.log')).size / 1e9
  if (isKilled) rmSync(of('.outcomes'))
  const startAtMs = performance.now()
  const cpuBefore = process.cpuUsage()
  const { close } = await opened()
  const seconds = (performance.now() - startAtMs) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  await close()
  return [seconds / gigabytes, (user + system) / 1e6 / gigabytes]
}

answerCalls({ fill, start })
