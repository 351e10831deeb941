import type { RequestRow, RequestSummaryRow } from './request-store.ts'

/** How both stores keep a request: what is compared or searched, and the rest as JSON text, where no key means anything. */
export interface RequestColumns {
  request_id: string
  generation: number
  seq: number
  /** '' where the request is nobody's. */
  tenant: string
  status: RequestRow['status']
  ended_at: string
  summary: string
  /** It may be large, so a list does not read it. */
  record: string
}

export const toColumns = ({ tenant, summary, record, ...row }: RequestRow): RequestColumns => ({
  ...row,
  tenant: tenant ?? '',
  summary: JSON.stringify(summary ?? null),
  record: JSON.stringify(record ?? null),
})

// Only `toColumns` writes, so what comes back is trusted, not parsed by a schema.

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
