import type { PlanStep, RequestView } from '#shared/contracts/http/requests.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { type TaskAddress, taskJobId } from '#shared/ids/task-address.ts'
import { traceIdMember } from '#shared/trace/traceparent.ts'
import { isRunning, type RequestRecord, type Step, type Task } from '../decide/record.ts'
import { attemptsOf } from '../engine/task-end.ts'

type StepView = RequestView['steps'][number]
type StepJobView = StepView['jobs'][number]

/** @param running the jobs of running tasks, by id */
export function requestView(record: RequestRecord, running: ReadonlyMap<string, Job> = new Map()): RequestView {
  const showTask = (task: Task, step: number, undoes = false) =>
    taskView(record.request_id, task, undoes ? { step: null, undo_step: step } : { step }, running)
  return {
    request_id: record.request_id,
    ...tenantMember(record.tenant),
    name: record.name,
    definition: record.definition,
    parent: record.parent === null ? null : { request_id: record.parent.request_id, job: record.parent.task.key },
    status: record.status,
    step: record.status === 'completed' ? null : (record.plan[record.at_step]?.name ?? null),
    round: record.round,
    params: record.params,
    extras: record.extras,
    steps: record.steps.map((step, n) => stepView(record.plan[n], step, (task) => showTask(task, n))),
    undone: [...record.undone, ...(record.undo ?? [])].map((task) => ({
      ...showTask(task, task.step, true),
      step: record.plan[task.step]?.name ?? '',
    })),
    events: record.events,
    error: record.error,
    ...traceIdMember(record.trace?.parent),
    created_at: record.created_at,
    updated_at: record.updated_at,
    finished_at: record.finished_at,
  }
}

function stepView(plan: PlanStep | undefined, step: Step, showTask: (task: Task) => StepJobView): StepView {
  const { status, started_at, ended_at, wake_at, extras, tasks } = step
  // The tasks of a step are created when it begins: before that, the plan says what there will be.
  const isOpen = tasks.length > 0 || (status !== 'new' && status !== 'skipped')
  const planned = (plan?.jobs ?? []).map(({ name }) => unstarted(name, status === 'skipped' ? 'skipped' : 'new'))
  return {
    name: plan?.name ?? '',
    status,
    ...(plan?.signal === undefined ? {} : { signal: plan.signal }),
    ...(wake_at === null ? {} : { sleep_until: wake_at }),
    started_at,
    ended_at,
    extras,
    jobs: isOpen ? tasks.map(showTask) : planned,
  }
}

const unstarted = (name: string, status: StepJobView['status']): StepJobView => ({
  name,
  status,
  round: null,
  job_id: null,
  attempts: [],
  result: null,
  error: null,
  ended_at: null,
})

function taskView(
  requestId: string,
  task: Task,
  where: Pick<TaskAddress, 'step' | 'undo_step'>,
  running: ReadonlyMap<string, Job>,
): StepJobView {
  const { key, round, status, attempts, result, error, ended_at } = task
  const jobId = taskJobId(requestId, { ...where, key, round })
  const runs = isRunning(task)
  const job = runs ? running.get(jobId) : undefined
  return {
    name: key,
    status: job?.phase === 'retrying' ? 'retry' : status,
    round: status === 'new' || status === 'skipped' ? null : round,
    // A task that never ran has no job: it waits, was skipped, or its job could not be created.
    job_id: runs || ended_at !== null ? jobId : null,
    attempts: job === undefined ? attempts : [...attempts, ...attemptsOf(job).map((each) => ({ ...each, round }))],
    result,
    ...(task.result_omitted ? { result_omitted: true as const } : {}),
    error,
    ended_at,
  }
}
