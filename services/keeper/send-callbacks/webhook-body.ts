import { jobView } from '#shared/contracts/http/jobs.ts'
import { WEBHOOK_BODY_MAX_BYTES, type WebhookBody } from '#shared/contracts/log/callback.ts'
import type { RoundEnd } from './end-of-round.ts'

const TYPES = { 'job:finished': 'job.finished', 'job:cancelled': 'job.cancelled', 'job:failed': 'job.failed' } as const

/** The body for a receiver of an end: as much of the job as fits, and the names of omitted members. */
export function webhookBody({ event, job }: RoundEnd): WebhookBody {
  const { payload: _payload, ...view } = jobView(job)
  const withData = (data: WebhookBody['data']): WebhookBody => ({ type: TYPES[event.event], timestamp: event.at, data })
  const { result: _result, progress: _progress, ...withoutResult } = view
  const { attempts: _attempts, ...withoutAttempts } = withoutResult
  const candidates = [
    withData(view),
    withData({ ...withoutResult, result_omitted: true }),
    withData({ ...withoutAttempts, result_omitted: true, attempts_omitted: true }),
  ]
  return candidates.find(fits) ?? withData({ job_id: job.job_id, status: view.status, result_omitted: true })
}

const fits = (body: WebhookBody): boolean => Buffer.byteLength(JSON.stringify(body)) <= WEBHOOK_BODY_MAX_BYTES
