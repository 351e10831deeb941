export { refusedResult, WorkFailed } from './attempt-end.ts'
export type { CancelOptions, CancelOptions as CancelRequestOptions } from './cancel.ts'
export { type ClientCredentials, clientCredentials, requestToken } from './client-credentials.ts'
export type * from './contracts.ts'
export { HastyError, JobCancelled, JobFailed, RequestWaitTimeout, WaitTimeout } from './errors.ts'
export type { FollowAllOptions, FollowOptions, ResetEvent } from './follow-events.ts'
export { Hasty } from './hasty.ts'
export type {
  CallOptions,
  CancelJobsOptions,
  ChangeOptions,
  JobFilter,
  JobOptions,
  ListOptions,
  NewJob,
  RedriveOptions,
  StartTime,
} from './job-request.ts'
export type { AcceptedOf, AnyJobTypes, JobOf, JobType, JobTypes, PayloadOf, ResultOf, TypeName } from './job-types.ts'
export type { RetryOptions } from './jobs.ts'
export type { DeadMessagesOptions, NewMessage, RedriveMessagesOptions } from './messages.ts'
export type { CalendarOptions, ErrorsOptions, OverviewCalls, SeriesOptions } from './overview.ts'
export type { HastyOptions, Retry, TokenSource, TransportOptions } from './request.ts'
export type { ListRequestsOptions, SignalOptions } from './requests.ts'
export { runWorker, type WorkContext, type WorkerOptions } from './run-worker.ts'
export type { ListSchedulesOptions, ScheduleCalls, ScheduleOptions } from './schedules.ts'
export type { TypeCalls } from './types.ts'
export { hasEnded, type WaitOptions } from './wait-job.ts'
export type { WorkCalls } from './work.ts'
export type { ListWorkersOptions, WorkerAttemptsOptions, WorkerCalls } from './workers.ts'
