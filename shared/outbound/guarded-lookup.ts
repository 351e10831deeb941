import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { isPublicAddress } from './addresses.ts'
import { BlockedUrlError } from './check-url.ts'

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>

export const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true })

/**
 * The lookup of one connection. It checks the very addresses that the socket gets, so a name cannot change between
 * check and connect; a single address that is not public refuses the name, whichever address would have been tried.
 */
export function guardedLookup(resolve: Resolve): LookupFunction {
  const look = callbackify((hostname: string) => publicAddresses(resolve, hostname))
  return (hostname, options, callback) =>
    look(hostname, (error, addresses) => {
      if (error !== null || options.all === true) callback(error, addresses)
      else callback(null, addresses[0].address, addresses[0].family)
    })
}

async function publicAddresses(resolve: Resolve, hostname: string): Promise<[LookupAddress, ...LookupAddress[]]> {
  const [first, ...others] = await resolve(hostname)
  if (first === undefined || ![first, ...others].every(({ address }) => isPublicAddress(address))) {
    // Without the address: a user must not learn the names of a private network from the error.
    throw new BlockedUrlError('the name resolves to an address that is not public')
  }
  return [first, ...others]
}
