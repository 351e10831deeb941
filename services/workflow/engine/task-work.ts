import type { CreateJobBody } from '#shared/contracts/http/jobs.ts'
import type { PlanJob } from '#shared/contracts/http/requests.ts'
import { SERVICE_TYPE, type ServicePayload } from '#shared/contracts/log/service-call.ts'
import { valueAt } from '#shared/formats/json-pointer.ts'
import { objectIdOf, type TaskAddress } from '#shared/ids/task-address.ts'
import { isObject } from '../decide/merge-patch.ts'
import { isRunning, type RequestRecord, type Task, type UndoTask } from '../decide/record.ts'
import { pointerOf, type Values } from '../decide/values.ts'

export interface RunningTask {
  task: Task
  address: TaskAddress
  work: JobWork | ChildWork
}

export interface JobWork {
  kind: 'job'
  /** The body that a caller would post for the job. */
  body: CreateJobBody
}

export interface ChildWork {
  kind: 'request'
  definition: string
  version: number | undefined
  params: Values['params']
  extras: Values['extras']
}

/** Every running task with a job, together with that job. */
export function runningTasks(record: RequestRecord): RunningTask[] {
  const ofSteps = record.steps.flatMap(({ tasks, extras_in: extrasIn }, step) =>
    tasks.filter(isRunning).map((task) => {
      const job = record.plan[step]?.jobs?.[task.job]
      const address = { step, key: task.key, round: task.round }
      return { task, address, work: workOf(record, job, address, task, task.extras_in ?? extrasIn ?? {}) }
    }),
  )
  const undoing = (record.undo ?? []).filter(isRunning).map((task: UndoTask) => {
    const job = record.plan[task.step]?.jobs?.[task.job]
    const address = { step: null, undo_step: task.step, key: task.key, round: task.round }
    const withResult = { ...task, result: task.undoes }
    return { task, address, work: workOf(record, job?.compensate, address, withResult, record.extras) }
  })
  return [...ofSteps, ...undoing]
}

type Work = NonNullable<PlanJob['compensate']>

function workOf(
  record: RequestRecord,
  work: Work | undefined,
  address: TaskAddress,
  task: Task,
  extras: Values['extras'],
): JobWork | ChildWork {
  if (work === undefined) throw new Error(`request ${record.request_id} has no work for ${task.key}`)
  const values = { params: record.params, extras, item: task.item, result: task.result }
  const payload = work.payload === undefined ? defaultPayload(task, values) : fillIn(work.payload, values)
  const { definition, version } = work
  if (definition !== undefined) {
    // The child's payload replaces the parent's params, where the plan gives it one.
    const params = isObject(payload) && work.payload !== undefined ? payload : record.params
    return { kind: 'request', definition, version, params, extras }
  }
  return {
    kind: 'job',
    body: {
      object_id: objectIdOf(record.request_id, address),
      type: work.type ?? SERVICE_TYPE,
      priority: work.priority,
      payload: work.service === undefined ? payload : servicePayload(record, work.service, work, task, extras, payload),
      ...(work.timeout_ms === undefined ? {} : { timeout_ms: work.timeout_ms }),
      ...(work.attempts === undefined ? {} : { attempts: work.attempts }),
      ...(work.backoff === undefined ? {} : { backoff: work.backoff }),
    },
  }
}

const servicePayload = (
  { request_id, params }: RequestRecord,
  service: string,
  work: Work,
  task: Task,
  extras: Values['extras'],
  payload: unknown,
): ServicePayload => ({
  service,
  path: work.path ?? '',
  request_id,
  job: task.key,
  params,
  extras,
  ...(work.payload === undefined && task.item === undefined ? {} : { payload }),
})

const defaultPayload = ({ item }: Task, { params, extras }: Values): unknown =>
  item === undefined ? { params, extras } : item

/**
 * The payload with each `{"$value": "/extras/pages"}` replaced by the value at that pointer; null where there is no
 * value.
 */
export function fillIn(payload: unknown, values: Values): unknown {
  if (Array.isArray(payload)) return payload.map((each) => fillIn(each, values))
  if (!isObject(payload)) return payload
  const pointer = pointerOf(payload)
  if (pointer !== null) return valueAt(values, pointer) ?? null
  return Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, fillIn(value, values)]))
}
