import { type CancelOptions, cancelJob, type RetryOptions, retryJob } from './change-job.ts'
import type {
  BatchResult,
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
import { type FollowOptions, followEvents, type ResetEvent } from './follow-events.ts'
import {
  type CallOptions,
  type ChangeOptions,
  type JobOptions,
  type ListOptions,
  type NewJob,
  type RedriveOptions,
  toFilterBody,
  toJobBody,
  toTime,
} from './job-request.ts'
import type { AcceptedOf, AnyJobTypes, JobOf, JobTypes, PayloadOf, ResultOf, TypeName } from './job-types.ts'
import * as messages from './messages.ts'
import { oneCallKey } from './random-id.ts'
import {
  type Call,
  makeTransport,
  sendRequest,
  type TokenSource,
  type Transport,
  type TransportOptions,
} from './request.ts'
import * as requests from './requests.ts'
import { firstWaitS, hasEnded, readJob, WAIT_DEFAULT_MS, type WaitOptions, waitForEnd } from './wait-job.ts'

export interface HastyOptions extends TransportOptions {
  /** Sent as a bearer token; a function, such as `clientCredentials` makes, is asked before each request. */
  token?: TokenSource | undefined
}

/**
 * A client of Hasty's HTTP interface. Every request is repeated over dropped connections, 429, 502, 503 and 504 for
 * `retryForMs`; a POST carries an Idempotency-Key, so that it does its work once however often it is sent. Every method
 * throws HastyError for what the server refuses, and an AbortSignal's reason.
 */
export class Hasty<Types extends JobTypes<Types> = AnyJobTypes> {
  readonly #transport: Transport

  /** @throws TypeError for an address that is none */
  constructor(options: HastyOptions) {
    this.#transport = makeTransport(options, options.token)
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
    const waitS = firstWaitS(options.waitMs ?? WAIT_DEFAULT_MS)
    const first = await this.#create<JobAccepted | JobView>(type, payload, options, waitS)
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
    return this.#create<AcceptedOf<Type>>(type, payload, options, 0)
  }

  /** Sends up to 10,000 jobs. Each is answered for itself; `atomic`: all are accepted or none. */
  batch(jobs: readonly NewJob<Types>[], options: ChangeOptions & { atomic?: boolean } = {}): Promise<BatchResult> {
    const { idempotencyKey: key = oneCallKey() } = options
    const body = jobs.map((job, n) => toJobBody(job.type, job.payload, job, `${key}-${n}`))
    return this.#post(
      '/v1/jobs/batch',
      body,
      { ...options, idempotencyKey: key },
      { atomic: options.atomic ? 'true' : undefined },
    )
  }

  async get<Type extends TypeName<Types> = TypeName<Types>>(
    jobId: string,
    options: CallOptions = {},
  ): Promise<JobOf<Types, Type>> {
    return (await readJob(this.#transport, jobId, 0, options.signal)) as JobOf<Types, Type>
  }

  /**
   * Waits until the job has ended, however it did.
   * @throws WaitTimeout with the job when it has not
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
  async retry(jobId: string, options: RetryOptions = {}): Promise<JobOf<Types>> {
    return (await retryJob(this.#transport, jobId, options)) as JobOf<Types>
  }

  /** A page of the jobs that are meant, newest first. */
  page(options: ListOptions = {}): Promise<JobList> {
    const { status, ...filter } = toFilterBody(options)
    const { limit, cursor, signal } = options
    return this.#get('/v1/jobs', { signal }, { ...filter, status: status?.join(','), limit: limit?.toString(), cursor })
  }

  /** All jobs that are meant, newest first, page by page as they are asked for. */
  async *list(options: ListOptions = {}): AsyncGenerator<JobSummaryView, void, undefined> {
    let cursor = options.cursor
    do {
      const page = await this.page({ ...options, cursor })
      yield* page.items
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
  }

  /** The job's events from its first on, those to come included; ends with the job. */
  events(jobId: string, options: FollowOptions = {}): AsyncGenerator<EventView, void, undefined> {
    const path = `${pathOf(jobId)}/events`
    // Only the stream of all jobs has resets.
    return followEvents(this.#transport, { path }, options) as AsyncGenerator<EventView, void, undefined>
  }

  /** The events of all jobs, or of one type's, from now on or after `afterSeq`; never ends by itself. */
  allEvents(
    options: FollowOptions & { type?: string | undefined } = {},
  ): AsyncGenerator<EventView | ResetEvent, void, undefined> {
    return followEvents(this.#transport, { path: '/v1/events', query: { type: options.type } }, options)
  }

  /** Why a job is where it is. */
  why(jobId: string, options: CallOptions = {}): Promise<Why> {
    return this.#get(`${pathOf(jobId)}/why`, options)
  }

  /** How many jobs there are, by status and by type. */
  stats(options: CallOptions = {}): Promise<JobStats> {
    return this.#get('/v1/stats', options)
  }

  /** Starts many failed or cancelled jobs again; goes on with `next_cursor`, and with `next_run_at` as `runAt`. */
  redrive(options: RedriveOptions = {}): Promise<RedriveResult> {
    const { ratePerS, runAt, dryRun, limit, cursor } = options
    const how = { rate_per_s: ratePerS, run_at: toTime(runAt), dry_run: dryRun, limit, cursor }
    return this.#post('/v1/redrive', { ...toFilterBody(options), ...how }, options)
  }

  /** Sends a request: steps one after another, the jobs of each at the same time. It is in the log when this resolves. */
  createRequest(request: NewRequest, options: ChangeOptions = {}): Promise<RequestView> {
    return requests.createRequest(this.#transport, request, options)
  }

  getRequest(requestId: string, options: CallOptions = {}): Promise<RequestView> {
    return requests.getRequest(this.#transport, requestId, options)
  }

  /**
   * Waits until the request has ended, however it did.
   * @throws RequestWaitTimeout with the request when it has not
   */
  waitRequest(requestId: string, options: WaitOptions = {}): Promise<RequestView> {
    return requests.waitRequest(this.#transport, requestId, options)
  }

  /** Cancels what runs, and starts nothing more. */
  cancelRequest(requestId: string, options: requests.CancelRequestOptions = {}): Promise<RequestView> {
    return requests.cancelRequest(this.#transport, requestId, options)
  }

  /** Goes on with a failed or cancelled request where it stopped. */
  retryRequest(requestId: string, options: ChangeOptions = {}): Promise<RequestView> {
    return requests.retryRequest(this.#transport, requestId, options)
  }

  /** Gives a request the signal that a step of it waits for, or will. */
  signalRequest(requestId: string, name: string, options: requests.SignalOptions = {}): Promise<RequestView> {
    return requests.signalRequest(this.#transport, requestId, name, options)
  }

  /** All requests that are meant, newest first, page by page as they are asked for. */
  listRequests(options: requests.ListRequestsOptions = {}): AsyncGenerator<RequestSummary, void, undefined> {
    return requests.listRequests(this.#transport, options)
  }

  /** Stores a plan as the next version of its name; the same plan makes none. */
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

  /** The workers that process messages, what they did, and what waits. */
  messageWorkers(options: CallOptions = {}): Promise<MessageWorkers> {
    return messages.showMessageWorkers(this.#transport, options)
  }

  /** All messages that no attempt could process, what died first first, page by page as they are asked for. */
  deadMessages(options: messages.DeadMessagesOptions = {}): AsyncGenerator<DeadMessageView, void, undefined> {
    return messages.listDeadMessages(this.#transport, options)
  }

  /** Puts up to 1,000 dead messages back, each once; `is_more` says whether to ask again. */
  redriveMessages(options: messages.RedriveMessagesOptions = {}): Promise<MessagesRedriven> {
    return messages.redriveMessages(this.#transport, options)
  }

  async #create<Body>(
    type: string,
    payload: unknown,
    options: JobOptions & ChangeOptions,
    waitS: number,
  ): Promise<Body> {
    const { idempotencyKey = oneCallKey(), signal } = options
    // The key stands for one body: made anew by a process that was restarted, it must be the same.
    const body = toJobBody(type, payload, options, idempotencyKey)
    const call: Call = { method: 'POST', path: '/v1/jobs', body, waitS, idempotencyKey, signal }
    return (await sendRequest<Body>(this.#transport, call)).body
  }

  async #post<Body>(path: string, body: unknown, options: ChangeOptions, query: Call['query'] = {}): Promise<Body> {
    const { idempotencyKey, signal } = options
    const call: Call = { method: 'POST', path, query, body, idempotencyKey, signal }
    return (await sendRequest<Body>(this.#transport, call)).body
  }

  async #get<Body>(path: string, { signal }: CallOptions, query: Call['query'] = {}): Promise<Body> {
    return (await sendRequest<Body>(this.#transport, { method: 'GET', path, query, signal })).body
  }
}

const pathOf = (jobId: string): string => `/v1/jobs/${encodeURIComponent(jobId)}`
