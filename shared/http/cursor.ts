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
export const readCursor = (search: unknown, cursor: string): string => readPlace(search, cursor, isJobId)

/**
 * The same for a list whose places are no ids.
 * @returns the place where the page before ended
 * @throws AppError `invalid-request`
 */
export function readPlace(search: unknown, cursor: string, isPlace: (text: string) => boolean): string {
  const place = Buffer.from(cursor, 'base64url').toString().slice(HASH_LENGTH)
  if (!isPlace(place)) throw badCursor('is not a cursor of this service')
  if (makeCursor(search, place) !== cursor) throw badCursor('belongs to a search with different filters')
  return place
}

const HASH_LENGTH = 8

const hashOf = (search: unknown): string =>
  createHash('sha256').update(JSON.stringify(search)).digest('base64url').slice(0, HASH_LENGTH)

const badCursor = (detail: string) => badParameters([{ parameter: 'cursor', detail }])
