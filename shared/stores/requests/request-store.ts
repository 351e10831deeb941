import type { RequestStatus } from '#shared/contracts/http/requests.ts'

/** A request as a list shows it. */
export interface RequestSummaryRow {
  /** Begins with the time of creation, as a job's id does. */
  request_id: string
  /** Number of the log among those that the store has followed: (generation, seq) is the request's version. */
  generation: number
  /** The broker's sequence of the record. */
  seq: number
  tenant: string | null
  status: RequestStatus
  /** ISO 8601 UTC; '' while the request has not ended. */
  ended_at: string
  /** Small JSON that a list shows. */
  summary: unknown
}

export interface RequestRow extends RequestSummaryRow {
  /** The whole request as JSON. */
  record: unknown
}

/** The version of a request that is stored. */
export type RequestVersion = Pick<RequestSummaryRow, 'request_id' | 'generation' | 'seq'>

export interface RequestQuery {
  /** null: all of them. */
  statuses: RequestStatus[] | null
  /** A name: only that tenant's requests. null: requests of every tenant and of none. */
  tenant: string | null
  /** Only ids before this one; AFTER_EVERY_ID from the newest. */
  belowId: string
  limit: number
}

/**
 * The workflow service's own store, of plain records; every adapter passes `testRequestStore` in conformance.ts.
 * Adapters throw their driver's errors.
 */
export interface RequestStore {
  /**
   * Writes each row whole where its (generation, seq) is newer than the stored one. When it throws, some or all may be
   * written.
   */
  putNewer(rows: RequestRow[]): Promise<void>
  get(requestId: string): Promise<RequestRow | null>
  /** The versions of those of the requests that are stored, in any order. */
  versionsOf(requestIds: string[]): Promise<RequestVersion[]>
  /**
   * Newest first; the cost of a page does not grow with the number of requests.
   * @throws TypeError for a tenant that is no name: see tenant-filter.ts
   */
  list(query: RequestQuery): Promise<RequestSummaryRow[]>
  /** Numbers of the requests that have not ended. */
  countOpen(): Promise<Record<'queuing' | 'inprogress', number>>
  /** Deletes up to `limit` requests that ended before the time. @returns how many */
  deleteEndedBefore(endedBefore: string, limit: number): Promise<number>
  /** Throws when the store cannot answer. */
  ping(): Promise<void>
  close(): Promise<void>
}
