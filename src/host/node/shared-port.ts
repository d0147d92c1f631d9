import { once } from 'node:events'
import { createServer } from 'node:net'

/** Whether the system shares a port's connections out among the processes that listen on it. */
export async function canSharePort(host: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ port: 0, host, reusePort: true })
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
