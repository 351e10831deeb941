import { beginJob } from '#shared/accept/begin-job.ts'
import { checkJob } from '#shared/accept/check-job.ts'
import { whyDiskFull } from '#shared/accept/disk-room.ts'
import { Door, whyLogFull } from '#shared/accept/door.ts'
import { firstEvent } from '#shared/accept/first-event.ts'
import { JobTypes, lanesOf } from '#shared/accept/job-types.ts'
import type { Broker } from '#shared/bus/connection.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { Child } from '#shared/contracts/log/job.ts'
import { jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { jobInLog } from '#shared/contracts/log/job-spec.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { runForNobody } from '#shared/errors/foreign-run.ts'
import { derivedJobId } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Counter } from '#shared/process/metrics.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { Tracing } from '#shared/trace/tracing.ts'
import type { JobConfig } from '../config.ts'
import type { JobRun } from '../run/job-run.ts'
import { type MakeRequest, refusal } from './make-request.ts'

export interface JobMakerOptions {
  broker: Broker
  /** The log of jobs. */
  stream: Pick<Stream, 'state'>
  history: Pick<JobHistory, 'begin'>
  /** null: no spans are recorded. */
  tracing: Tracing | null
  config: Pick<JobConfig, 'LOG_MAX_BYTES' | 'LOG_MAX_JOBS' | 'DATA_DIR' | 'CALLBACKS' | 'OUTBOUND_TRUSTED_HOSTS'>
  clock: Clock
  created: Counter<'type'>
  log: Logger
}

/**
 * Makes the jobs that handlers ask for, as the api accepts those of callers. The id of such a job is derived from its
 * parent and its name, and its first event requires that nothing is there: whatever is repeated, there is one. While an
 * attempt runs, its own trigger keeps the log from being cut behind it, so that the log shows every job that it, or a
 * worker that died before, has made; what earlier attempts made their trigger names.
 */
export class JobMaker {
  readonly #options: JobMakerOptions
  readonly #types: JobTypes
  readonly #door: Door
  /** Parts that the first job starts: most workers make none. */
  readonly #unstarted: (JobTypes | Door)[]
  #starting: Promise<void> | null = null

  constructor(options: JobMakerOptions) {
    const { broker, stream, clock, config, log } = options
    this.#options = options
    this.#types = new JobTypes(lanesOf(broker), clock, log)
    const limits = { maxBytes: config.LOG_MAX_BYTES, maxJobs: config.LOG_MAX_JOBS }
    this.#door = new Door({
      whyFull: async () => whyLogFull(await stream.state(), limits),
      isBrokerUp: () => broker.isUp(),
      whyNoRoom: () => whyDiskFull(config.DATA_DIR),
      log,
    })
    this.#unstarted = [this.#types, this.#door]
  }

  async stop(): Promise<void> {
    await Promise.all([this.#types.stop(), this.#door.stop()])
  }

  /**
   * @returns the id of the job
   * @throws PermanentError for a job that can never be accepted; AppError `unavailable`, `cannot-store`: try again
   */
  async make(run: JobRun, request: MakeRequest): Promise<string> {
    if (run.hold.isAsked) throw new Error('an attempt that was told to stop makes no more jobs')
    return (await run.made.once(request.name, () => runForNobody(() => this.#publishFirst(run, request)))).job_id
  }

  async #publishFirst(run: JobRun, { name, body }: MakeRequest): Promise<Child> {
    const { clock, config, created, log } = this.#options
    const { job_id: parentId, tenant = null } = run.spec
    const jobId = derivedJobId(jobIdTimeMs(parentId), 'child', parentId, name)
    try {
      await this.#startOnce()
      this.#door.check()
      const callbacks = { enabled: config.CALLBACKS, trustedHosts: config.OUTBOUND_TRUSTED_HOSTS }
      const type = await checkJob({ types: this.#types, callbacks }, body)
      const event = firstEvent(jobId, tenant, body, type, clock.now(), { parent_job_id: parentId })
      // Whatever its type and priority: the code of the handler may have changed between two attempts.
      const parent = run.attemptTraceparent
      if (await beginJob(this.#options, event, { once: 'any-address', parent })) {
        created.inc({ type: body.type })
        log.info({ ...jobInLog(event), parent_job_id: parentId }, 'job created by a handler')
      }
    } catch (error) {
      if (error instanceof AppError && error.status < 500)
        throw refusal({ name, type: body.type }, [error.message], error)
      throw error
    }
    return { name, job_id: jobId, type: body.type }
  }

  /** @throws AppError `unavailable` */
  #startOnce(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = null
      throw unavailable('The broker did not answer about job types and the log. Try again.', error)
    })
    return this.#starting
  }

  async #start(): Promise<void> {
    for (let part = this.#unstarted[0]; part !== undefined; part = this.#unstarted[0]) {
      await part.start()
      this.#unstarted.shift()
    }
  }
}
