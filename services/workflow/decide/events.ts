import type { JobError } from '#shared/contracts/log/job.ts'
import type { RequestEvent, RequestRecord } from './record.ts'

export function end(
  draft: RequestRecord,
  status: 'completed' | 'failed' | 'cancelled',
  at: string,
  error: JobError | null,
): void {
  Object.assign(draft, { status, finished_at: at, error })
  appendEvent(draft, at, { event: status === 'completed' ? 'request:finished' : `request:${status}` })
}

export function appendEvent(draft: RequestRecord, at: string, event: Omit<RequestEvent, 'at' | 'round'>): void {
  draft.events.push({ at, round: draft.round, ...event })
}
