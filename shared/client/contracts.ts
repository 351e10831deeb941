// What the client takes from the contracts: types alone, through this one file, so that the package needs no dependency.
// Relative, because only such addresses are rewritten in a build. `npm run build:client` writes its declarations anew,
// from the schemas (scripts/build-client).
export type { Token } from '../contracts/auth.ts'
export type { BatchItem, BatchResult } from '../contracts/batch.ts'
export type { DeadMessageList, DeadMessageView, MessagesRedriven } from '../contracts/dead-messages-http.ts'
export type { EventView } from '../contracts/events-http.ts'
export type { JobAccepted, JobSummaryView, JobView } from '../contracts/http.ts'
export type { Attempt, Progress } from '../contracts/job.ts'
export type { JobList, JobStats } from '../contracts/list.ts'
export type { MessageShard, MessagesAccepted, MessageWorker, MessageWorkers } from '../contracts/messages-http.ts'
export type { Problem } from '../contracts/problems.ts'
export type { RedriveResult } from '../contracts/redrive.ts'
export type { NewRequest, Plan, RequestView } from '../contracts/request.ts'
export type { DefinitionList, DefinitionView, RequestList, RequestSummary } from '../contracts/requests-http.ts'
export type { NewSchedule, ScheduleList, ScheduleSummary, ScheduleView } from '../contracts/schedule.ts'
export type { TypeList, TypeView } from '../contracts/types-http.ts'
export type { Why } from '../contracts/why.ts'
export type { WorkerAttempt, WorkerAttempts, WorkerDetail, WorkerList, WorkerView } from '../contracts/workers-http.ts'
