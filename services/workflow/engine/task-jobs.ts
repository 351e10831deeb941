import { beginJob } from '#shared/accept/begin-job.ts'
import { checkForType } from '#shared/accept/check-job.ts'
import { firstEvent } from '#shared/accept/first-event.ts'
import type { JobTypes } from '#shared/accept/job-types.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import { BODY_MAX_BYTES } from '#shared/contracts/http/jobs.ts'
import { REQUEST_MAX_DEPTH } from '#shared/contracts/http/requests.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { jobInLog, tenantMember } from '#shared/contracts/log/job-spec.ts'
import type { JobAddress } from '#shared/contracts/log/subjects.ts'
import { AppError, publicErrorOf } from '#shared/errors/app-error.ts'
import { messageOf } from '#shared/errors/foreign.ts'
import { objectIdOf, type TaskAddress, taskJobId } from '#shared/ids/task-address.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import type { TaskEnd } from '../decide/end-task.ts'
import { newRecord } from '../decide/new-record.ts'
import type { RequestRecord } from '../decide/record.ts'
import { partOf, traceOf } from '../decide/trace-of.ts'
import type { DefinitionRecords } from '../definitions/definition-records.ts'
import { type ChangeRequestDeps, changeRequest } from './change-request.ts'
import { isLongerThan } from './json-length.ts'
import type { StoredRequest } from './request-records.ts'
import { type ChildWork, type JobWork, type RunningTask, runningTasks } from './task-work.ts'

export interface TaskJobsDeps extends ChangeRequestDeps {
  history: JobHistory
  types: Pick<JobTypes, 'get'>
  definitions: Pick<DefinitionRecords, 'read'>
  clock: Clock
  log: Logger
}

const REMEMBERED_MAX = 100_000

/**
 * Creates and cancels the jobs of running tasks. Both are harmless to repeat; a call that succeeded here is not
 * repeated.
 */
export class TaskJobs {
  readonly #deps: TaskJobsDeps
  readonly #done = new Set<string>()
  readonly #reconciling = new WeakMap<RequestRecord, Promise<void>>()

  constructor(deps: TaskJobsDeps) {
    this.#deps = deps
  }

  /**
   * Creates and cancels jobs until every running task of the request has its job, and those to be cancelled are.
   * @throws AppError `unavailable`: try again
   */
  reconcile({ record }: StoredRequest): Promise<void> {
    // All callers whose inputs were applied together see the same record.
    const before = this.#reconciling.get(record)
    if (before !== undefined) return before
    const reconciling = this.#reconcileAll(record, () => true).catch((error: unknown) => {
      this.#reconciling.delete(record)
      throw error
    })
    this.#reconciling.set(record, reconciling)
    return reconciling
  }

  /** Only cancels the jobs to be cancelled, which waits for no time. @throws as `reconcile` */
  reconcileCancelled({ record }: StoredRequest): Promise<void> {
    return this.#reconcileAll(record, ({ task }) => task.cancelling === true)
  }

  async #reconcileAll(record: RequestRecord, isMeant: (running: RunningTask) => boolean): Promise<void> {
    let tasks: RunningTask[]
    try {
      tasks = runningTasks(record)
    } catch (error) {
      // The work of its tasks is derived from the record alone: another try would not help.
      this.#deps.log.error({ err: error, request_id: record.request_id }, 'could not carry out a request, which fails')
      await changeRequest(this.#deps, record.request_id, { kind: 'broken', message: messageOf(error) })
      return
    }
    await Promise.all(tasks.filter(isMeant).map((running) => this.#reconcileTask(record, running)))
  }

  async #reconcileTask(record: RequestRecord, running: RunningTask): Promise<void> {
    // The address, and not the job's id, which is a hash: the tasks of a request are looked at with each change of it.
    const address = objectIdOf(record.request_id, running.address)
    await this.#once(address, () => this.#make(record, running))
    // Created first in any case: a job that never existed would never end.
    if (running.task.cancelling) await this.#once(`cancel ${address}`, () => this.#cancel(record, running))
  }

  async #once(what: string, work: () => Promise<void>): Promise<void> {
    if (this.#done.has(what)) return
    await work()
    this.#done.add(what)
    const [oldest] = this.#done
    if (this.#done.size > REMEMBERED_MAX && oldest !== undefined) this.#done.delete(oldest)
  }

  async #make(record: RequestRecord, running: RunningTask): Promise<void> {
    const { work } = running
    const jobId = taskJobId(record.request_id, running.address)
    try {
      checkSize(work.kind === 'job' ? work.body.payload : work.params)
      await (work.kind === 'job'
        ? this.#publishFirst(record, running, work, jobId)
        : this.#begin(record, running, work, jobId))
    } catch (error) {
      // The type is gone, or does not accept the payload: the plan was checked, but not the values that earlier jobs
      // put into it.
      if (!(error instanceof AppError) || error.status >= 500) throw error
      const at = isoTime(this.#deps.clock.now())
      const end: TaskEnd = { status: 'failure', attempts: [], result: null, error: publicErrorOf(error), at }
      await changeRequest(this.#deps, record.request_id, { kind: 'task-ended', task: running.address, end })
    }
  }

  async #publishFirst(
    record: RequestRecord,
    { address }: RunningTask,
    { body }: JobWork,
    jobId: string,
  ): Promise<void> {
    const { types, clock, log } = this.#deps
    const type = await types.get(body.type)
    checkForType(type, body)
    const event = firstEvent(jobId, record.tenant, body, type, clock.now())
    // The plan fixes type and priority of a task, so the same id always has the same address.
    const parent = this.#traceOf(record, address)
    if (await beginJob(this.#deps, event, { once: 'same-address', parent }))
      log.info({ ...jobInLog(event), request_id: record.request_id }, 'job created')
  }

  /** Starts a child request, under the id that the job would have. */
  async #begin(record: RequestRecord, { address }: RunningTask, work: ChildWork, requestId: string): Promise<void> {
    const { definitions, records, clock, log } = this.#deps
    if (record.depth >= REQUEST_MAX_DEPTH)
      throw new AppError('invalid-plan', `Requests can be nested at most ${REQUEST_MAX_DEPTH} deep.`)
    const found = await definitions.read({ tenant: record.tenant, name: work.definition }, work.version)
    if (found === null) throw new AppError('definition-not-found', `No definition has the name ${work.definition}.`)
    const child = newRecord(
      {
        requestId,
        tenant: record.tenant,
        name: found.name,
        definition: { name: found.name, version: found.version },
        parent: { request_id: record.request_id, task: address },
        depth: record.depth + 1,
        params: work.params,
        extras: work.extras,
        plan: found.steps,
        traceparent: this.#traceOf(record, address),
      },
      clock.now(),
    )
    // null: the child exists already. An ended one stays for an hour, and this request has learned of its end by then.
    if ((await records.write(child, 0)) !== null)
      log.info(
        { request_id: requestId, parent: record.request_id, ...tenantMember(record.tenant) },
        'request created by a request',
      )
  }

  /** The trace context of the step that a task belongs to, or that of the request's call where spans are not recorded. */
  #traceOf(record: RequestRecord, address: TaskAddress): string | null {
    if (record.trace === undefined) return null
    return this.#deps.tracing === null ? record.trace.parent : traceOf(record, partOf(address))
  }

  async #cancel(record: RequestRecord, { work, address }: RunningTask): Promise<void> {
    const jobId = taskJobId(record.request_id, address)
    if (work.kind === 'request') {
      await changeRequest(this.#deps, jobId, {
        kind: 'cancel',
        reason: `Cancelled by the request ${record.request_id}.`,
        appliedAs: null,
      })
      return
    }
    const { body } = work
    const { object_id, type, priority } = body
    await this.#deps.history.cancel(
      { job_id: jobId, object_id, type, priority, tenant: record.tenant },
      { name: 'Cancelled', message: `Cancelled by the request ${record.request_id}.` },
    )
  }
}

/**
 * Checks the size of a payload: a plan may use `$value` thousands of times, and the result would not fit into memory.
 * @throws AppError `payload-too-large`
 */
function checkSize(given: unknown): void {
  if (!isLongerThan(given, BODY_MAX_BYTES)) return
  throw new AppError('payload-too-large', `With its values filled in, the payload exceeds ${BODY_MAX_BYTES} bytes.`)
}

/** A job as the log has it; null when the log has none of its events. */
export async function readJob(history: Pick<JobHistory, 'all'>, address: JobAddress): Promise<Job | null> {
  let job: Job | null = null
  for (const { seq, event } of await history.all(address)) job = applyEvent(job, event, seq)
  return job
}
