import type { Why } from '#shared/contracts/http/why.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { taskOf } from '#shared/ids/task-address.ts'

type Next = Why['next']
type Code = Why['reasons'][number]['code']

interface Cause {
  /** Completes "It failed at ..., because". */
  because: string
  next: Pick<Next, 'action' | 'detail'>
}

const RETRY: Cause['next'] = { action: 'retry', detail: 'Retry it when the cause of the error is gone.' }

const RESULT: Cause = {
  because: 'its handler returned a result that cannot be stored',
  next: { action: 'redrive', detail: 'Correct the handler, then redrive the failed jobs of its type.' },
}

/** The reasons with which a round ends, by the codes of docs/state-machine.md. */
const CAUSES: Record<string, Cause> = {
  permanent: {
    because: 'its handler said that another attempt cannot help',
    next: {
      action: 'nothing',
      detail: 'It would fail in the same way again: correct what the error names, and create another job.',
    },
  },
  invalid_payload: {
    because: 'its payload does not match the schema of its type',
    next: {
      action: 'nothing',
      detail: 'It would fail in the same way again: create another job with a valid payload.',
    },
  },
  event_too_large: {
    because: 'its outcome is too large to be stored together with its payload',
    next: { action: 'nothing', detail: 'It would fail in the same way again: create another job with less payload.' },
  },
  attempts_exhausted: {
    because: 'all of its attempts failed',
    next: RETRY,
  },
  crashed: {
    because: 'the processes that ran it died too often',
    next: { action: 'retry', detail: 'Find out from the logs of its workers why they died, then retry it.' },
  },
  unreadable: {
    because: 'no worker could read an event of its history',
    next: { action: 'retry', detail: 'Bring all services to the same version, then retry it.' },
  },
  timeout: {
    because: 'an attempt took longer than its time limit',
    next: { action: 'retry', detail: 'Retry it, with a larger timeout_ms if its work needs longer.' },
  },
  requested: {
    because: 'somebody cancelled it',
    next: { action: 'nothing', detail: 'Nothing needs to be done; it can be retried if it is wanted after all.' },
  },
  result_too_large: RESULT,
  result_too_deep: RESULT,
  result_not_json: RESULT,
}

/** Completes "It failed at ..."; empty for a reason of another version. */
export function becauseOf({ reason }: Pick<Job, 'reason'>): string {
  const cause = CAUSES[reason ?? '']
  return cause === undefined ? '' : `, because ${cause.because}`
}

/**
 * What the owner of a job can do next.
 * @param codes the reasons why it has not ended
 */
export function adviceFor(job: Job, codes: readonly Code[]): Next {
  switch (job.phase) {
    case 'scheduled':
    case 'retrying':
      return { action: 'wait', detail: 'It starts by itself at its time.' }
    case 'running':
      return { action: 'wait', detail: 'Wait for its end.' }
    case 'waiting':
      return { action: 'wait', detail: adviceWhileWaiting(job, codes) }
    case 'finished':
      return { action: 'nothing', detail: 'Nothing needs to be done.' }
    case 'cancelled':
    case 'failed':
      return adviceAfterEnd(job)
  }
}

function adviceWhileWaiting({ type }: Job, codes: readonly Code[]): string {
  if (codes.includes('paused')) return `It does not start before its type, ${type}, is resumed.`
  if (codes.includes('no_live_worker')) return `Start a worker that runs jobs of type ${type}.`
  if (codes.includes('slots_held_by_abandoned_handlers'))
    return 'Let the handlers of these types obey their signal; a restart of the worker ends those that still run.'
  return 'It starts by itself.'
}

function adviceAfterEnd(job: Job): Next {
  const next = CAUSES[job.reason ?? '']?.next ?? RETRY
  const owner = taskOf(job.job_id, job.object_id)
  if (owner === null) return next
  const about = { request_id: owner.requestId }
  // The request decides what becomes of its jobs: none of them can be retried alone.
  return next.action === 'nothing'
    ? { ...next, ...about }
    : { action: 'retry', detail: 'It belongs to a request: retry the request once it has ended.', ...about }
}
