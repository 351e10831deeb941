// The client's part of the contracts: only types, through this one file, so that the package needs no dependency. The
// imports are relative, because only such paths are rewritten in a build. `npm run build:client` generates the
// declarations from the schemas (scripts/build-client).

export type { Calendar as ScheduleCalendar } from '../shared/contracts/http/calendar.ts'
export type { CancelJobsResult } from '../shared/contracts/http/cancel-jobs.ts'
export type { DeadMessageList, DeadMessageView, MessagesRedriven } from '../shared/contracts/http/dead-messages.ts'
export type { ErrorList, ErrorView } from '../shared/contracts/http/errors.ts'
export type { EventView } from '../shared/contracts/http/events.ts'
export type { SystemHealth } from '../shared/contracts/http/health.ts'
export type { BatchItem, BatchResult } from '../shared/contracts/http/job-batch.ts'
export type { JobCount, JobList, JobStats } from '../shared/contracts/http/job-list.ts'
export type { JobAccepted, JobSummaryView, JobView } from '../shared/contracts/http/jobs.ts'
export type { Digest, LiveType } from '../shared/contracts/http/live.ts'
export type {
  MessageShard,
  MessagesAccepted,
  MessageWorker,
  MessageWorkers,
} from '../shared/contracts/http/messages.ts'
export type { Problem } from '../shared/contracts/http/problems.ts'
export type { RedriveResult } from '../shared/contracts/http/redrive.ts'
export type {
  DefinitionList,
  DefinitionView,
  RequestList,
  RequestSummary,
} from '../shared/contracts/http/request-list.ts'
export type { NewRequest, Plan, RequestView } from '../shared/contracts/http/requests.ts'
export type { NewSchedule, ScheduleList, ScheduleSummary, ScheduleView } from '../shared/contracts/http/schedules.ts'
export type { Series, SeriesPoint } from '../shared/contracts/http/series.ts'
export type { Token } from '../shared/contracts/http/tokens.ts'
export type { NewType, TypeList, TypeView } from '../shared/contracts/http/types.ts'
export type { Why } from '../shared/contracts/http/why.ts'
export type {
  ClaimedWork,
  ClaimWork,
  ExtendedLease,
  ExtendedWork,
  ExtendWork,
  LentJob,
  SettledWork,
  WorkError,
  WorkSettlement,
} from '../shared/contracts/http/work.ts'
export type {
  WorkerAttempt,
  WorkerAttempts,
  WorkerDetail,
  WorkerList,
  WorkerView,
} from '../shared/contracts/http/workers.ts'
export type { Attempt, Progress } from '../shared/contracts/log/job.ts'
