import { hash } from 'node:crypto'

/**
 * Names that a user sends, hashed: they never become part of a subject or header as they are. Each tenant has its own
 * name space, and so do callers without a tenant.
 */
export const hashNames = (tenant: string | null, ...names: string[]): string =>
  hash('sha256', JSON.stringify([tenant ?? '', ...names]), 'base64url')
