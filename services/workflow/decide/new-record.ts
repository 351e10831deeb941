import type { PlanStep } from '#shared/contracts/http/requests.ts'
import { isoTime } from '#shared/time/clock.ts'
import type { Json, RequestRecord } from './record.ts'

export interface NewRequest {
  requestId: string
  tenant: string | null
  name: string | null
  definition: RequestRecord['definition']
  parent?: RequestRecord['parent']
  depth?: number
  params: Json
  extras: Json
  plan: PlanStep[]
  /** The trace context that it comes with. */
  traceparent?: string | null
}

/** The record of an accepted request, of which nothing has started. */
export function newRecord(request: NewRequest, nowMs: number): RequestRecord {
  const at = isoTime(nowMs)
  const { traceparent = null } = request
  return {
    request_id: request.requestId,
    tenant: request.tenant,
    name: request.name,
    definition: request.definition,
    parent: request.parent ?? null,
    depth: request.depth ?? 0,
    began_with: request.parent === undefined || request.parent === null ? null : request.extras,
    status: 'queuing',
    round: 1,
    params: request.params,
    extras: request.extras,
    plan: request.plan,
    at_step: 0,
    steps: request.plan.map(() => ({
      status: 'new',
      started_at: null,
      ended_at: null,
      wake_at: null,
      extras_in: null,
      extras: null,
      tasks: [],
      writers: {},
    })),
    undo: null,
    undone: [],
    signals: [],
    asked: [],
    ends: 0,
    result_bytes: 0,
    error: null,
    events: [{ at, round: 1, event: 'request:created' }],
    created_at: at,
    updated_at: at,
    finished_at: null,
    ...(traceparent === null ? {} : { trace: { parent: traceparent } }),
  }
}
