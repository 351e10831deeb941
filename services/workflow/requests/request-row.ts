import type { RequestRow } from '#shared/stores/requests/request-store.ts'
import type { StoredRequest } from '../engine/request-records.ts'

/** The row in which the store keeps a request. @param generation the stream that counted its version */
export const toRow = ({ seq, record }: StoredRequest, generation: number): RequestRow => ({
  request_id: record.request_id,
  generation,
  seq,
  tenant: record.tenant,
  status: record.status,
  ended_at: record.finished_at ?? '',
  summary: {
    request_id: record.request_id,
    tenant: record.tenant,
    name: record.name,
    definition: record.definition,
    status: record.status,
    step: record.plan[record.at_step]?.name ?? null,
    round: record.round,
    error: record.error,
    created_at: record.created_at,
    updated_at: record.updated_at,
    finished_at: record.finished_at,
  },
  record,
})
