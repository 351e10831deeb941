import ipaddr from 'ipaddr.js'
import type { Context } from 'koa'

/** The address that a request comes from; '' where it is no longer known. */
export function peerOf(ctx: Context, trustProxy: boolean): string {
  const forwarded = trustProxy ? ctx.get('x-forwarded-for').split(',').at(-1)?.trim() : ''
  // Only an address is accepted: a text of any length would be kept.
  return forwarded !== undefined && ipaddr.isValid(forwarded) ? forwarded : (ctx.req.socket.remoteAddress ?? '')
}

/**
 * The address for which a request is counted: the peer's, or the one named by our own proxy, which always overwrites a
 * client's. For IPv6 it is the network (/64), because its owner has all addresses in it.
 */
export function addressOf(ctx: Context, trustProxy: boolean): string {
  const address = peerOf(ctx, trustProxy)
  if (!ipaddr.isValid(address)) return ''
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  const network = parsed.parts.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}
