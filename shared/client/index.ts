export type { CancelOptions, RetryOptions } from './change-job.ts'
export { type ClientCredentials, clientCredentials, requestToken } from './client-credentials.ts'
export type * from './contracts.ts'
export { HastyError, JobCancelled, JobFailed, RequestWaitTimeout, WaitTimeout } from './errors.ts'
export type { FollowOptions, ResetEvent } from './follow-events.ts'
export { Hasty, type HastyOptions } from './hasty.ts'
export type {
  CallOptions,
  ChangeOptions,
  JobFilter,
  JobOptions,
  ListOptions,
  NewJob,
  RedriveOptions,
  StartTime,
} from './job-request.ts'
export type { AcceptedOf, AnyJobTypes, JobOf, JobType, JobTypes, PayloadOf, ResultOf, TypeName } from './job-types.ts'
export type { DeadMessagesOptions, NewMessage, RedriveMessagesOptions } from './messages.ts'
export type { Retry, TokenSource, TransportOptions } from './request.ts'
export type { CancelRequestOptions, ListRequestsOptions, SignalOptions } from './requests.ts'
export { hasEnded, type WaitOptions } from './wait-job.ts'
