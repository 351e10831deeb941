import { type CancelOptions, cancelJob, cancelRequest } from './cancel.ts'
import type {
  BatchResult,
  CancelJobsResult,
  DeadMessageView,
  DefinitionList,
  DefinitionView,
  EventView,
  JobAccepted,
  JobList,
  JobStats,
  JobSummaryView,
  JobView,
  MessagesAccepted,
  MessagesRedriven,
  MessageWorkers,
  NewRequest,
  Plan,
  RedriveResult,
  RequestSummary,
  RequestView,
  Why,
} from './contracts.ts'
import { JobCancelled, JobFailed } from './errors.ts'
import { type FollowAllOptions, type FollowOptions, followEvents, type ResetEvent } from './follow-events.ts'
import type {
  CallOptions,
  CancelJobsOptions,
  ChangeOptions,
  JobOptions,
  ListOptions,
  NewJob,
  RedriveOptions,
} from './job-request.ts'
import type { AcceptedOf, AnyJobTypes, JobOf, JobTypes, PayloadOf, ResultOf, TypeName } from './job-types.ts'
import * as jobs from './jobs.ts'
import * as messages from './messages.ts'
import { makeOverviewCalls, type OverviewCalls } from './overview.ts'
import { type HastyOptions, makeTransport, sendRequest, type Transport } from './request.ts'
import * as requests from './requests.ts'
import { makeScheduleCalls, type ScheduleCalls } from './schedules.ts'
import { durationOption } from './timing.ts'
import { makeTypeCalls, type TypeCalls } from './types.ts'
import { firstWaitS, hasEnded, readJob, WAIT_DEFAULT_MS, type WaitOptions, waitForEnd } from './wait-job.ts'
import { makeWorkCalls, type WorkCalls } from './work.ts'
import { makeWorkerCalls, type WorkerCalls } from './workers.ts'

/**
 * A client of Hasty's HTTP interface. Every request is repeated over dropped connections, 429, 502, 503 and 504 for
 * `retryForMs`; a POST carries an Idempotency-Key, so that it takes effect once however often it is sent. Every method
 * throws HastyError when the server refuses, and an AbortSignal's reason.
 */
export class Hasty<Types extends JobTypes<Types> = AnyJobTypes> {
  readonly #transport: Transport
  /** Schedules, which create jobs at times. */
  readonly schedules: ScheduleCalls
  /** The calls about all jobs at once. */
  readonly overview: OverviewCalls
  /** Job types, and how they run over all workers. */
  readonly types: TypeCalls
  /** The processes that run jobs. */
  readonly workers: WorkerCalls
  /** The calls of a worker over HTTP; see `runWorker`. */
  readonly work: WorkCalls

  /** @throws TypeError for an invalid address */
  constructor(options: HastyOptions) {
    this.#transport = makeTransport(options, options.token)
    this.schedules = makeScheduleCalls(this.#transport)
    this.overview = makeOverviewCalls(this.#transport)
    this.types = makeTypeCalls(this.#transport)
    this.workers = makeWorkerCalls(this.#transport)
    this.work = makeWorkCalls(this.#transport)
  }

  /**
   * Sends a job and waits for its result.
   * @throws JobFailed, JobCancelled, WaitTimeout, each with the job
   */
  async run<Type extends TypeName<Types>>(
    type: Type,
    payload: PayloadOf<Types, Type>,
    options: JobOptions & ChangeOptions & WaitOptions = {},
  ): Promise<ResultOf<Types, Type>> {
    const sinceMs = performance.now()
    const waitS = firstWaitS(durationOption('waitMs', options.waitMs, WAIT_DEFAULT_MS))
    const first = await jobs.createJob<JobAccepted | JobView>(this.#transport, { type, payload }, options, waitS)
    const job =
      'attempts' in first && hasEnded(first) ? first : await waitForEnd(this.#transport, first.job_id, options, sinceMs)
    if (job.status === 'failed') throw new JobFailed(job)
    if (job.status === 'cancelled') throw new JobCancelled(job)
    return job.result
  }

  /** Sends a job; it is in the log when this resolves. */
  create<Type extends TypeName<Types>>(
    type: Type,
    payload: PayloadOf<Types, Type>,
    options: JobOptions & ChangeOptions = {},
  ): Promise<AcceptedOf<Type>> {
    return jobs.createJob(this.#transport, { type, payload }, options, 0)
  }

  /** Sends up to 10,000 jobs. Each has its own answer; `atomic`: all are accepted or none. */
  batch(newJobs: readonly NewJob<Types>[], options: ChangeOptions & { atomic?: boolean } = {}): Promise<BatchResult> {
    return jobs.createBatch(this.#transport, newJobs, options)
  }

  async get<Type extends TypeName<Types> = TypeName<Types>>(
    jobId: string,
    options: CallOptions = {},
  ): Promise<JobOf<Types, Type>> {
    return (await readJob(this.#transport, jobId, 0, options.signal)) as JobOf<Types, Type>
  }

  /**
   * Waits until the job has ended, however it ended.
   * @throws WaitTimeout with the job when it has not ended
   */
  async wait<Type extends TypeName<Types> = TypeName<Types>>(
    jobId: string,
    options: WaitOptions = {},
  ): Promise<JobOf<Types, Type>> {
    return (await waitForEnd(this.#transport, jobId, options, performance.now())) as JobOf<Types, Type>
  }

  /** Ends a job that has not ended. */
  async cancel(jobId: string, options: CancelOptions = {}): Promise<JobOf<Types>> {
    return (await cancelJob(this.#transport, jobId, options)) as JobOf<Types>
  }

  /** Starts the next round of a failed or cancelled job. */
  async retry(jobId: string, options: jobs.RetryOptions = {}): Promise<JobOf<Types>> {
    return (await jobs.retryJob(this.#transport, jobId, options)) as JobOf<Types>
  }

  /** A page of the jobs that match the filter, newest first. */
  page(options: ListOptions = {}): Promise<JobList> {
    return jobs.pageOfJobs(this.#transport, options)
  }

  /** All jobs that match the filter, newest first, page by page as they are requested. */
  list(options: ListOptions = {}): AsyncGenerator<JobSummaryView, void, undefined> {
    return jobs.listJobs(this.#transport, options)
  }

  /** The job's events from the first on, future ones included; ends with the job. */
  events(jobId: string, options: FollowOptions = {}): AsyncGenerator<EventView, void, undefined> {
    const path = `${jobs.jobPath(jobId)}/events`
    // Only the stream of all jobs has resets.
    return followEvents(this.#transport, { path }, options) as AsyncGenerator<EventView, void, undefined>
  }

  /** The events of all jobs, or of one type or tag, from now on or after `afterSeq`; never ends by itself. */
  allEvents(options: FollowAllOptions = {}): AsyncGenerator<EventView | ResetEvent, void, undefined> {
    const { type, tag } = options
    return followEvents(this.#transport, { path: '/v1/events', query: { type, tag } }, options)
  }

  /** Why a job has not ended. */
  why(jobId: string, { signal }: CallOptions = {}): Promise<Why> {
    return sendRequest(this.#transport, { method: 'GET', path: `${jobs.jobPath(jobId)}/why`, signal })
  }

  /** How many jobs there are, by status and by type. */
  stats({ signal }: CallOptions = {}): Promise<JobStats> {
    return sendRequest(this.#transport, { method: 'GET', path: '/v1/stats', signal })
  }

  /** Cancels many jobs that have not ended; continue with `next_cursor`. */
  cancelJobs(options: CancelJobsOptions): Promise<CancelJobsResult> {
    return jobs.cancelJobs(this.#transport, options)
  }

  /** Starts many failed or cancelled jobs again; continue with `next_cursor`, and with `next_run_at` as `runAt`. */
  redrive(options: RedriveOptions = {}): Promise<RedriveResult> {
    return jobs.redriveJobs(this.#transport, options)
  }

  /** Sends a request, of steps with jobs. It is in the log when this resolves. */
  createRequest(request: NewRequest, options: ChangeOptions = {}): Promise<RequestView> {
    return requests.createRequest(this.#transport, request, options)
  }

  getRequest(requestId: string, options: CallOptions = {}): Promise<RequestView> {
    return requests.getRequest(this.#transport, requestId, options)
  }

  /**
   * Waits until the request has ended, however it ended.
   * @throws RequestWaitTimeout with the request when it has not ended
   */
  waitRequest(requestId: string, options: WaitOptions = {}): Promise<RequestView> {
    return requests.waitRequest(this.#transport, requestId, options)
  }

  /** Cancels running jobs, and starts nothing more. */
  cancelRequest(requestId: string, options: CancelOptions = {}): Promise<RequestView> {
    return cancelRequest(this.#transport, requestId, options)
  }

  /** Continues a failed or cancelled request where it stopped. */
  retryRequest(requestId: string, options: ChangeOptions = {}): Promise<RequestView> {
    return requests.retryRequest(this.#transport, requestId, options)
  }

  /** Sends a signal that a step of the request waits for, or will wait for. */
  signalRequest(requestId: string, name: string, options: requests.SignalOptions = {}): Promise<RequestView> {
    return requests.signalRequest(this.#transport, requestId, name, options)
  }

  /** All requests that match the filter, newest first, page by page as they are requested. */
  listRequests(options: requests.ListRequestsOptions = {}): AsyncGenerator<RequestSummary, void, undefined> {
    return requests.listRequests(this.#transport, options)
  }

  /** Stores a plan as the next version of its name; an unchanged plan makes no new version. */
  putDefinition(name: string, steps: Plan, options: CallOptions = {}): Promise<DefinitionView> {
    return requests.putDefinition(this.#transport, name, steps, options)
  }

  getDefinition(name: string, options: CallOptions & { version?: number | undefined } = {}): Promise<DefinitionView> {
    return requests.getDefinition(this.#transport, name, options)
  }

  listDefinitions(options: CallOptions = {}): Promise<DefinitionList['items']> {
    return requests.listDefinitions(this.#transport, options)
  }

  /** Sends up to 10,000 messages, all or none; they are in the broker when this resolves. */
  sendMessages(newMessages: readonly messages.NewMessage[], options: ChangeOptions = {}): Promise<MessagesAccepted> {
    return messages.sendMessages(this.#transport, newMessages, options)
  }

  /** The workers that process messages, their counts, and the waiting messages. */
  messageWorkers(options: CallOptions = {}): Promise<MessageWorkers> {
    return messages.showMessageWorkers(this.#transport, options)
  }

  /** All messages that no attempt could process, oldest death first, page by page as they are requested. */
  deadMessages(options: messages.DeadMessagesOptions = {}): AsyncGenerator<DeadMessageView, void, undefined> {
    return messages.listDeadMessages(this.#transport, options)
  }

  /** Redrives up to 1,000 dead messages, each once; `is_more` says whether to call again. */
  redriveMessages(options: messages.RedriveMessagesOptions = {}): Promise<MessagesRedriven> {
    return messages.redriveMessages(this.#transport, options)
  }
}
