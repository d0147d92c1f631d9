// Which proxy a request goes through: the one that is set, or what the environment says in the way
// of curl and others.

export type ProxyOf = (origin: URL) => URL | null

export interface ProxySettings {
  readonly proxyHost: string
  readonly proxyPort: number
  readonly proxyUserName: string
  readonly proxyPassword: string
}

type Env = Readonly<Record<string, string | undefined>>

/** Throws for a proxy that we cannot go through. */
export function proxyChoiceOf(settings: ProxySettings, env: Env): ProxyOf {
  if (settings.proxyHost !== '') {
    const proxy = new URL(`http://${settings.proxyHost}:${settings.proxyPort}`)
    proxy.username = encodeURIComponent(settings.proxyUserName)
    proxy.password = encodeURIComponent(settings.proxyPassword)
    return () => proxy
  }
  const ofTls = proxyIn(env, 'HTTPS_PROXY')
  const ofPlain = proxyIn(env, 'HTTP_PROXY')
  const exceptions = said(env, 'NO_PROXY')
    .split(/[\s,]+/)
    .filter((part) => part !== '')
  return (origin) => {
    const proxy = origin.protocol === 'https:' ? ofTls : ofPlain
    if (proxy === null || isLoopback(origin) || isException(origin, exceptions)) return null
    return proxy
  }
}

/** Lower case wins, as with curl. */
function said(env: Env, name: string): string {
  return env[name.toLowerCase()] || env[name] || ''
}

function proxyIn(env: Env, name: string): URL | null {
  const text = said(env, name)
  if (text === '') return null
  const url = text.includes('://') ? text : `http://${text}`
  if (!URL.canParse(url)) throw new Error(`${name}: no proxy has such an address`)
  const proxy = new URL(url)
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
    throw new Error(`${name}: a proxy is http: or https:, not ${proxy.protocol}`)
  }
  return proxy
}

/** A proxy elsewhere has another loopback than we: what runs here is reached directly. */
function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
}

/** NO_PROXY: `*`, a host and all below it (`.example.com` or `example.com`), either with a port. */
function isException({ hostname, port, protocol }: URL, exceptions: readonly string[]): boolean {
  const host = hostname.toLowerCase()
  const hostPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port
  return exceptions.some((exception) => {
    if (exception === '*') return true
    const [, name = '', namedPort] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(exception.toLowerCase())!
    if (namedPort !== undefined && namedPort !== hostPort) return false
    return host === name || host.endsWith(`.${name}`)
  })
}
