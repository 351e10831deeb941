import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Azure's platform address: it is in the public range, but answers each virtual machine as that machine's own host. */
const HOST_AGENTS: ReadonlySet<string> = new Set(['168.63.129.16'])
/** The whole range of IPv6 that is assigned so far; an address outside it is no public host. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/**
 * Whether an IP address belongs to a public host. IPv4 inside IPv6 (mapped, NAT64, 6to4, Teredo) does not: it would
 * reach addresses that IPv4 alone must not.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || HOST_AGENTS.has(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  return parsed.kind() === 'ipv4' || (parsed as ipaddr.IPv6).match(GLOBAL_UNICAST)
}
