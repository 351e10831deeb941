import { isIP } from 'node:net'
import { isPublicAddress } from './addresses.ts'

/** The target is one that users must not make Hasty call. */
export class BlockedUrlError extends Error {
  override name = 'BlockedUrlError'
  readonly code = 'ssrf-blocked'
}

export interface UrlRules {
  /** `host:port` pairs that the operator trusts: they may be private and have any port. */
  trustedHosts: ReadonlySet<string>
  ports?: ReadonlySet<number>
}

const WEB_PORTS: ReadonlySet<number> = new Set([80, 443, 8080, 8443])
/** Characters that the parser would drop or change: the text must show the real target. */
const TRICKS = /[\p{Cc}\p{Z}\\]/u
const PUBLIC_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/
/** Suffixes of names that belong to a private network, or to nobody. */
const PRIVATE_SUFFIXES =
  /\.(localhost|local|localdomain|internal|intranet|private|corp|home|lan|arpa|test|invalid|onion)$/

/**
 * Checks of a user's URL that need no lookup. The addresses of its name are checked when it is called.
 * @throws BlockedUrlError that says what is wrong, without the URL
 */
export function checkUrl(text: string, rules: UrlRules): URL {
  if (TRICKS.test(text)) throw new BlockedUrlError('a URL must not contain spaces, control characters or backslashes')
  if (!/^https?:\/\//i.test(text)) throw new BlockedUrlError('a URL must begin with http:// or https://')
  const url = URL.parse(text)
  if (url === null) throw new BlockedUrlError('this is not a valid URL')
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(text)) {
    throw new BlockedUrlError('a URL must not contain a user name or password')
  }
  if (isTrusted(url, rules)) return url
  const ports = rules.ports ?? WEB_PORTS
  if (!ports.has(portOf(url))) throw new BlockedUrlError(`the port must be one of ${[...ports].join(', ')}`)
  checkHost(url.hostname)
  return url
}

export const isTrusted = (url: URL, rules: UrlRules): boolean =>
  rules.trustedHosts.has(`${url.hostname}:${portOf(url)}`)

const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80))

function checkHost(hostname: string): void {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(address) > 0) {
    if (!isPublicAddress(address)) throw new BlockedUrlError('the address is not public')
    return
  }
  // A trailing dot is refused too: it ends the search list, and hides a name from a comparison.
  if (!PUBLIC_NAME.test(hostname)) throw new BlockedUrlError('the host must be a full name such as www.example.com')
  if (PRIVATE_SUFFIXES.test(hostname)) throw new BlockedUrlError('the name belongs to a private network')
}
