/**
 * An address as URLs write it: where clients on this machine reach what listens on it. One that
 * stands for all addresses is none to connect to; the loopback is among them.
 */
export function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (!host.includes(':')) return host
  return /^[0:]+$/.test(host) ? '[::1]' : `[${host}]`
}
