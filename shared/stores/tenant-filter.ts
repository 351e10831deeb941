/**
 * Checks the tenant of a search, which comes from a token's claim, where types promise nothing. A value that is no name
 * would mean another search: undefined the documents without a tenant, an object an operator, '' (a row's "none") the
 * jobs without a tenant.
 * @throws TypeError
 */
export function checkTenant(tenant: unknown): asserts tenant is string | null {
  if (tenant === null || (typeof tenant === 'string' && tenant !== '')) return
  throw new TypeError(`A tenant is a name, or null for all of them: got ${JSON.stringify(tenant)}`)
}
