import ipaddr from 'ipaddr.js'
import type { Context } from 'koa'

/**
 * Whom a request is counted for: the peer, or whom our own proxy names, which always overwrites what a client said.
 * Of IPv6 the network (/64), because whoever has one has all its addresses.
 */
export function addressOf(ctx: Context, trustProxy: boolean): string {
  const forwarded = trustProxy ? ctx.get('x-forwarded-for').split(',').at(-1)?.trim() : ''
  const peer = ctx.req.socket.remoteAddress ?? ''
  // Nothing but an address is a key: a text of any length would be kept.
  const address = forwarded !== undefined && ipaddr.isValid(forwarded) ? forwarded : peer
  if (!ipaddr.isValid(address)) return ''
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  const network = parsed.parts.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}
