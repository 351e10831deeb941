import { hash } from 'node:crypto'

/**
 * What a user sends never becomes part of a subject or header as it is: it is hashed. Each tenant has names of its own,
 * and so have those who are of none.
 */
export const hashNames = (tenant: string | null, ...names: string[]): string =>
  hash('sha256', JSON.stringify([tenant ?? '', ...names]), 'base64url')
