import type { JobTypes } from '#shared/accept/job-types.ts'
import type { Caller } from '#shared/auth/caller.ts'
import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { Why } from '#shared/contracts/http/why.ts'
import { type Job, PRIORITIES } from '#shared/contracts/log/job.ts'
import { dueSubject, laneName } from '#shared/contracts/log/subjects.ts'
import type { WorkerPresence } from '#shared/contracts/log/worker-presence.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { typeViews } from '../types/type-views.ts'
import { explain, type WaitFacts } from './explain.ts'
import { type GetJobDeps, getCurrentJob } from './get-job.ts'

export interface ExplainJobDeps extends GetJobDeps {
  listLanes(): Promise<LaneInfo[]>
  askWorkers(waitMs: number, isEnough: (worker: WorkerPresence) => boolean): Promise<WorkerPresence[]>
  /** The log of jobs. */
  stream: Pick<Stream, 'lastOf' | 'countFrom'>
  types: Pick<JobTypes, 'ratePerS'>
}

/** How long a worker may take to report its presence. */
const ANSWER_MS = 500

/** @throws AppError `job-not-found`, `unavailable` */
export async function explainJob(deps: ExplainJobDeps, jobId: string, caller: Caller): Promise<Why> {
  const job = await getCurrentJob(deps, jobId, caller)
  try {
    return explain(job, job.phase === 'waiting' ? await gatherFacts(deps, job) : null, deps.clock.now())
  } catch (error) {
    throw unavailable('The broker did not answer, so the reason is not known. Try again.', error)
  }
}

async function gatherFacts(deps: ExplainJobDeps, job: Job): Promise<WaitFacts> {
  const runsIt = ({ types }: WorkerPresence) => types.includes(job.type)
  const isUsual = (worker: WorkerPresence) => runsIt(worker) && !isHeldUp(worker)
  const [lanes, workers] = await Promise.all([deps.listLanes(), deps.askWorkers(ANSWER_MS, isUsual)])
  const able = workers.filter(runsIt)
  const own = lanes.filter(({ type }) => type === job.type)
  return {
    type: typeViews(own)[0] ?? null,
    hasLiveWorker: able.length > 0,
    abandonedTypes: able.every(isHeldUp) ? able.flatMap(({ abandoned_types }) => abandoned_types) : [],
    ahead: await countAhead(deps, own, job),
    ratePerS: deps.types.ratePerS(job.type),
  }
}

/** Whether a worker has no room because handlers hold slots that they should have left. */
const isHeldUp = ({ slots, running, abandoned_types: { length } }: WorkerPresence): boolean =>
  length > 0 && running >= slots

/** Number of jobs that wait before this one in its lane, and of all jobs in lanes of higher priority. */
async function countAhead(deps: ExplainJobDeps, lanes: LaneInfo[], job: Job): Promise<number> {
  const lane = lanes.find(({ name, limit }) => limit !== null || name === laneName(job.type, job.priority))
  if (lane === undefined) return 0
  const due = await deps.stream.lastOf(dueSubject(job))
  const triggerSeq = Math.max(due?.seq ?? 0, job.events.findLast(({ event }) => event === 'job:created')?.seq ?? 0)
  const behind = await deps.stream.countFrom(lane.filters, triggerSeq)
  const higher = lane.limit === null ? PRIORITIES.slice(0, PRIORITIES.indexOf(job.priority)) : []
  const above = lanes.filter(({ name }) => higher.some((priority) => name === laneName(job.type, priority)))
  return above.reduce((sum, { pending }) => sum + pending, Math.max(0, lane.pending - behind))
}
