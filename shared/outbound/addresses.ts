import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Azure's platform address: routable by its number, but it answers each virtual machine as its own host. */
const HOST_AGENTS: ReadonlySet<string> = new Set(['168.63.129.16'])
/** All that is given out of IPv6 so far; whatever lies outside is no public host. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/**
 * Whether an IP address is a public host's. IPv4 inside IPv6 (mapped, NAT64, 6to4, Teredo) is not: it would reach what
 * the IPv4 address alone must not.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || HOST_AGENTS.has(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' || (parsed as ipaddr.IPv6).match(GLOBAL_UNICAST)
}
