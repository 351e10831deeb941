import { type PlanJob, REQUEST_MAX_JOBS } from '#shared/contracts/http/requests.ts'
import { valueAt } from '#shared/formats/json-pointer.ts'
import { allTasks, type RequestRecord, type Task } from './record.ts'
import { holds } from './values.ts'

/**
 * The tasks of one job of a plan: one for each item of a foreach, or one that has failed already where there is no
 * list.
 */
export function tasksOf(draft: RequestRecord, job: PlanJob, n: number): Task[] {
  const task: Task = {
    key: job.name,
    job: n,
    status: holds(draft, job.if) ? 'new' : 'skipped',
    round: draft.round,
    attempts: [],
    result: null,
    error: null,
    ended_at: null,
    end: 0,
  }
  if (job.foreach === undefined || task.status === 'skipped') return [task]
  const items = valueAt(draft, job.foreach)
  if (!Array.isArray(items)) {
    const error = { name: 'NotAList', message: `The value at ${job.foreach} is not an array.`, code: 'not-a-list' }
    return [{ ...task, status: 'failure', error }]
  }
  if (items.length + allTasks(draft).length > REQUEST_MAX_JOBS) {
    const message = `${items.length} items at ${job.foreach}: a request may have at most ${REQUEST_MAX_JOBS} jobs.`
    return [{ ...task, status: 'failure', error: { name: 'TooManyJobs', message, code: 'too-many-jobs' } }]
  }
  return items.map((item: unknown, i) => ({ ...task, key: `${job.name}[${i}]`, item }))
}
