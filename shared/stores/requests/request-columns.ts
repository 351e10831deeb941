import type { RequestRow, RequestSummaryRow } from './request-store.ts'

/**
 * The columns in which both stores keep a request: members that are compared or searched, and the rest as JSON text,
 * where no key has a meaning.
 */
export interface RequestColumns {
  request_id: string
  generation: number
  seq: number
  /** '' where the request belongs to no tenant. */
  tenant: string
  status: RequestRow['status']
  ended_at: string
  summary: string
  /** The whole record, which may be large: a list does not read it. */
  record: string
}

export const toColumns = ({ tenant, summary, record, ...row }: RequestRow): RequestColumns => ({
  ...row,
  tenant: tenant ?? '',
  summary: JSON.stringify(summary ?? null),
  record: JSON.stringify(record ?? null),
})

// Only `toColumns` writes, so columns are trusted and not parsed by a schema.

export const toSummaryRow = (columns: Omit<RequestColumns, 'record'>): RequestSummaryRow => ({
  request_id: columns.request_id,
  generation: columns.generation,
  seq: columns.seq,
  tenant: columns.tenant === '' ? null : columns.tenant,
  status: columns.status,
  ended_at: columns.ended_at,
  summary: JSON.parse(columns.summary) as unknown,
})

export const fromColumns = (columns: RequestColumns): RequestRow => ({
  ...toSummaryRow(columns),
  record: JSON.parse(columns.record) as unknown,
})
