import { badParameters } from '#shared/http/read-query.ts'

/** A cursor: where a page ended, and of which worker, because the place means nothing for another one. */
export const makeCursor = (workerId: string, seq: number): string =>
  Buffer.from(`${workerId}.${seq}`).toString('base64url')

/**
 * @returns the seq at which the page before ended
 * @throws AppError `invalid-request`
 */
export function readCursor(workerId: string, cursor: string): number {
  const seq = Number(Buffer.from(cursor, 'base64url').toString().split('.')[1])
  if (!Number.isSafeInteger(seq) || seq < 1) throw badCursor('is not a cursor of this service')
  if (makeCursor(workerId, seq) !== cursor) throw badCursor('belongs to another worker')
  return seq
}

const badCursor = (detail: string) => badParameters([{ parameter: 'cursor', detail }])
