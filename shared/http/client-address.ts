import ipaddr from 'ipaddr.js'
import type { Context } from 'koa'

/** The address that a request comes from; '' where none is known any more. */
export function peerOf(ctx: Context, trustProxy: boolean): string {
  const forwarded = trustProxy ? ctx.get('x-forwarded-for').split(',').at(-1)?.trim() : ''
  // Nothing but an address is one: a text of any length would be kept.
  return forwarded !== undefined && ipaddr.isValid(forwarded) ? forwarded : (ctx.req.socket.remoteAddress ?? '')
}

/**
 * Whom a request is counted for: the peer, or whom our own proxy names, which always overwrites what a client said.
 * Of IPv6 the network (/64), because whoever has one has all its addresses.
 */
export function addressOf(ctx: Context, trustProxy: boolean): string {
  const address = peerOf(ctx, trustProxy)
  if (!ipaddr.isValid(address)) return ''
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  const network = parsed.parts.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}
