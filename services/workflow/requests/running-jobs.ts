import type { JobHistory } from '#shared/bus/job-history.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import { taskJobId } from '#shared/ids/task-address.ts'
import type { RequestRecord } from '../decide/record.ts'
import { readJob } from '../engine/task-jobs.ts'
import { runningTasks } from '../engine/task-work.ts'

/**
 * Number of jobs that are read, because each costs one read per event: further ones show no attempts before they end.
 */
const LOOKED_AT_MAX = 100

/**
 * The jobs of running tasks, by id: the record learns of their attempts only at their ends.
 * @throws AppError `unavailable`
 */
export async function runningJobs(
  history: Pick<JobHistory, 'all'>,
  record: RequestRecord,
): Promise<ReadonlyMap<string, Job>> {
  const looks = runningTasks(record)
    .slice(0, LOOKED_AT_MAX)
    .flatMap(({ address, work }) => {
      // A child request shows its attempts itself.
      if (work.kind === 'request') return []
      const { type, priority } = work.body
      return [readJob(history, { type, priority, job_id: taskJobId(record.request_id, address) })]
    })
  const jobs = await Promise.all(looks).catch(cannotRead('The jobs of the request'))
  return new Map(jobs.flatMap((job): [string, Job][] => (job === null ? [] : [[job.job_id, job]])))
}
