import { z } from 'zod'
import { calendarSchema } from '#shared/contracts/http/calendar.ts'
import { cancelJobsResultSchema } from '#shared/contracts/http/cancel-jobs.ts'
import {
  deadMessageListSchema,
  deadMessageViewSchema,
  messagesRedrivenSchema,
} from '#shared/contracts/http/dead-messages.ts'
import { errorListSchema, errorViewSchema } from '#shared/contracts/http/errors.ts'
import { eventViewSchema } from '#shared/contracts/http/events.ts'
import { healthSchema } from '#shared/contracts/http/health.ts'
import { batchItemSchema, batchResultSchema } from '#shared/contracts/http/job-batch.ts'
import { jobCountSchema, jobListSchema, jobStatsSchema } from '#shared/contracts/http/job-list.ts'
import { jobAcceptedSchema, jobSummaryViewSchema, jobViewSchema } from '#shared/contracts/http/jobs.ts'
import { digestSchema, liveTypeSchema } from '#shared/contracts/http/live.ts'
import {
  messageShardSchema,
  messagesAcceptedSchema,
  messageWorkerSchema,
  messageWorkersSchema,
} from '#shared/contracts/http/messages.ts'
import { problemSchema } from '#shared/contracts/http/problems.ts'
import { redriveResultSchema } from '#shared/contracts/http/redrive.ts'
import {
  definitionListSchema,
  definitionSummarySchema,
  definitionViewSchema,
  requestListSchema,
  requestSummarySchema,
} from '#shared/contracts/http/request-list.ts'
import {
  createRequestBodySchema,
  planJobSchema,
  planSchema,
  planStepSchema,
  requestEventSchema,
  requestViewSchema,
  stepJobViewSchema,
  stepViewSchema,
  undoneJobViewSchema,
  whenSchema,
} from '#shared/contracts/http/requests.ts'
import {
  putScheduleBodySchema,
  scheduledJobSchema,
  scheduleListSchema,
  scheduleSummarySchema,
  scheduleViewSchema,
} from '#shared/contracts/http/schedules.ts'
import { seriesPointSchema, seriesSchema } from '#shared/contracts/http/series.ts'
import { tokenSchema } from '#shared/contracts/http/tokens.ts'
import { putTypeBodySchema, typesSchema, typeViewSchema } from '#shared/contracts/http/types.ts'
import { whySchema } from '#shared/contracts/http/why.ts'
import {
  claimedWorkSchema,
  claimWorkBodySchema,
  extendedSchema,
  extendedWorkSchema,
  extendWorkBodySchema,
  lentJobSchema,
  settledSchema,
  settlementSchema,
  workErrorSchema,
} from '#shared/contracts/http/work.ts'
import {
  workerAttemptSchema,
  workerAttemptsSchema,
  workerDetailSchema,
  workerListSchema,
  workerViewSchema,
} from '#shared/contracts/http/workers.ts'
import { attemptSchema, progressSchema } from '#shared/contracts/log/job.ts'
import { printTypes } from './print-types.ts'

/** Schemas by the names that client/contracts.ts exports. */
const schemas: Record<string, z.ZodType> = {
  Attempt: attemptSchema,
  BatchItem: batchItemSchema,
  BatchResult: batchResultSchema,
  CancelJobsResult: cancelJobsResultSchema,
  DeadMessageList: deadMessageListSchema,
  DeadMessageView: deadMessageViewSchema,
  DefinitionList: definitionListSchema,
  DefinitionSummary: definitionSummarySchema,
  DefinitionView: definitionViewSchema,
  EventView: eventViewSchema,
  Digest: digestSchema,
  ErrorList: errorListSchema,
  ErrorView: errorViewSchema,
  JobAccepted: jobAcceptedSchema,
  JobCount: jobCountSchema,
  JobList: jobListSchema,
  JobStats: jobStatsSchema,
  JobSummaryView: jobSummaryViewSchema,
  JobView: jobViewSchema,
  LiveType: liveTypeSchema,
  MessageShard: messageShardSchema,
  MessagesAccepted: messagesAcceptedSchema,
  MessagesRedriven: messagesRedrivenSchema,
  MessageWorker: messageWorkerSchema,
  MessageWorkers: messageWorkersSchema,
  Problem: problemSchema,
  Progress: progressSchema,
  RedriveResult: redriveResultSchema,
  RequestEvent: requestEventSchema,
  RequestList: requestListSchema,
  RequestSummary: requestSummarySchema,
  RequestView: requestViewSchema,
  ScheduleCalendar: calendarSchema,
  ScheduledJob: scheduledJobSchema,
  ScheduleList: scheduleListSchema,
  ScheduleSummary: scheduleSummarySchema,
  ScheduleView: scheduleViewSchema,
  Series: seriesSchema,
  SeriesPoint: seriesPointSchema,
  Step: stepViewSchema,
  StepJob: stepJobViewSchema,
  SystemHealth: healthSchema,
  Token: tokenSchema,
  TypeList: typesSchema,
  TypeView: typeViewSchema,
  UndoneJob: undoneJobViewSchema,
  ClaimedWork: claimedWorkSchema,
  ExtendedLease: extendedSchema,
  ExtendedWork: extendedWorkSchema,
  LentJob: lentJobSchema,
  SettledWork: settledSchema,
  Why: whySchema,
  WorkerAttempt: workerAttemptSchema,
  WorkerAttempts: workerAttemptsSchema,
  WorkerDetail: workerDetailSchema,
  WorkerList: workerListSchema,
  WorkerView: workerViewSchema,
}

/** Parts of plans: described as they are sent, even where they are shown. */
const plans = { PlanJob: planJobSchema, PlanStep: planStepSchema, When: whenSchema }

/** Values that callers send, where members with a default may be left out. */
const sent: Record<string, z.ZodType> = {
  ClaimWork: claimWorkBodySchema,
  ExtendWork: extendWorkBodySchema,
  NewType: putTypeBodySchema,
  WorkError: workErrorSchema,
  WorkSettlement: settlementSchema,
  NewRequest: createRequestBodySchema,
  NewSchedule: putScheduleBodySchema,
  NewScheduledJob: scheduledJobSchema,
  Plan: planSchema,
  ...plans,
}

/** The declarations of the contracts that the client shows, without zod. */
export const contractTypes = (): string =>
  printTypes({ ...describe({ ...schemas, ...plans }, 'output'), ...describe(sent, 'input') })

function describe(named: Record<string, z.ZodType>, io: 'input' | 'output') {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id })
  return z.toJSONSchema(registry, { io, uri: (id) => id }).schemas
}
