import { createHash } from 'node:crypto'
import { isJobId } from '#shared/contracts/log/job-id.ts'
import { badParameters } from './read-query.ts'

/**
 * A cursor: where a page of jobs or requests ended, and of which search, because the place means nothing in another
 * one.
 */
export const makeCursor = (search: unknown, lastId: string): string =>
  Buffer.from(`${hashOf(search)}${lastId}`).toString('base64url')

/**
 * @returns the last id of the page before
 * @throws AppError `invalid-request`
 */
export function readCursor(search: unknown, cursor: string): string {
  const lastId = Buffer.from(cursor, 'base64url').toString().slice(HASH_LENGTH)
  if (!isJobId(lastId)) throw badCursor('is not a cursor of this service')
  if (makeCursor(search, lastId) !== cursor) throw badCursor('belongs to a search with different filters')
  return lastId
}

const HASH_LENGTH = 8

const hashOf = (search: unknown): string =>
  createHash('sha256').update(JSON.stringify(search)).digest('base64url').slice(0, HASH_LENGTH)

const badCursor = (detail: string) => badParameters([{ parameter: 'cursor', detail }])
