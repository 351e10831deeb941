import { z } from 'zod'
import {
  eventsPageSchema,
  eventsQuerySchema,
  jobEventsQuerySchema,
  jobEventsSchema,
} from '#shared/contracts/events-http.ts'
import { jobAcceptedSchema } from '#shared/contracts/http.ts'
import { problemExplainedSchema, problemsSchema } from '#shared/contracts/problems.ts'
import { putScheduleBodySchema, scheduleListSchema, scheduleViewSchema } from '#shared/contracts/schedule.ts'
import { changeTypeBodySchema, typesSchema, typeViewSchema } from '#shared/contracts/types-http.ts'
import {
  listWorkerAttemptsQuerySchema,
  listWorkersQuerySchema,
  workerAttemptsSchema,
  workerDetailSchema,
  workerListSchema,
} from '#shared/contracts/workers-http.ts'
import { etagHeader, keyHeaders, locationHeader, matchHeaders, streamHeaders } from '../headers.ts'
import type { Operation } from '../operation.ts'

export const eventOperations: Operation[] = [
  {
    method: 'get',
    path: '/v1/jobs/{job_id}/events',
    id: 'followJob',
    tag: 'Events',
    summary: "A job's history, or its events as they come",
    description: 'With `Accept: text/event-stream` a stream that ends with the job and goes on after Last-Event-ID.',
    query: jobEventsQuerySchema,
    headers: streamHeaders,
    answers: {
      200: { description: 'The history', schema: jobEventsSchema, events: 'Event' },
      204: { description: 'The job has ended, and everything was told: do not come back', schema: null },
    },
    problems: ['job-not-found', 'invalid-header'],
  },
  {
    method: 'get',
    path: '/v1/events',
    id: 'followJobs',
    tag: 'Events',
    summary: 'The events of all jobs, or of one type',
    description: 'With `Accept: text/event-stream` those to come, or those after Last-Event-ID.',
    query: eventsQuerySchema,
    headers: streamHeaders,
    answers: {
      200: { description: 'A page of what the log holds', schema: eventsPageSchema, events: 'Event' },
    },
    problems: ['invalid-header'],
  },
]

const type = { description: 'The type', schema: typeViewSchema }

export const typeOperations: Operation[] = [
  {
    method: 'get',
    path: '/v1/types',
    id: 'listTypes',
    tag: 'Types',
    summary: 'The job types there are',
    answers: { 200: { description: 'All of them', schema: typesSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/types/{type}',
    id: 'getType',
    tag: 'Types',
    summary: 'Read a job type',
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  {
    method: 'patch',
    path: '/v1/types/{type}',
    id: 'changeType',
    tag: 'Types',
    summary: 'Change how many jobs of a type run at once',
    description: 'Over all workers, at once, and until it is changed again.',
    body: { schema: changeTypeBodySchema },
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  ...(['pause', 'resume'] as const).map(
    (verb): Operation => ({
      method: 'post',
      path: `/v1/types/{type}/${verb}`,
      id: `${verb}Type`,
      tag: 'Types',
      summary: verb === 'pause' ? 'Start no more jobs of a type' : 'Start jobs of a type again',
      answers: { 200: type },
      problems: ['unknown-type@404'],
    }),
  ),
]

const schedule = { description: 'The schedule', schema: scheduleViewSchema, headers: etagHeader }

export const scheduleOperations: Operation[] = [
  {
    method: 'get',
    path: '/v1/schedules',
    id: 'listSchedules',
    tag: 'Schedules',
    summary: 'All schedules, by name',
    answers: { 200: { description: 'All of them', schema: scheduleListSchema } },
    problems: [],
  },
  {
    method: 'put',
    path: '/v1/schedules/{name}',
    id: 'putSchedule',
    tag: 'Schedules',
    summary: 'Make or change a schedule',
    headers: matchHeaders,
    body: { schema: putScheduleBodySchema },
    answers: { 200: { ...schedule, description: 'Changed' }, 201: { ...schedule, description: 'Made' } },
    problems: ['unknown-type', 'invalid-payload', 'callback-forbidden', 'precondition-failed', 'too-many-schedules'],
  },
  {
    method: 'get',
    path: '/v1/schedules/{name}',
    id: 'getSchedule',
    tag: 'Schedules',
    summary: 'Read a schedule and its next times',
    answers: { 200: schedule },
    problems: ['schedule-not-found'],
  },
  {
    method: 'delete',
    path: '/v1/schedules/{name}',
    id: 'deleteSchedule',
    tag: 'Schedules',
    summary: 'Delete a schedule; its jobs stay',
    headers: matchHeaders,
    answers: { 204: { description: 'Deleted', schema: null } },
    problems: ['schedule-not-found', 'precondition-failed'],
  },
  ...(['pause', 'resume'] as const).map(
    (verb): Operation => ({
      method: 'post',
      path: `/v1/schedules/{name}/${verb}`,
      id: `${verb}Schedule`,
      tag: 'Schedules',
      summary: verb === 'pause' ? 'Let a schedule rest' : 'Let a schedule go on from now',
      headers: matchHeaders,
      answers: { 200: schedule },
      problems: ['schedule-not-found', 'precondition-failed'],
    }),
  ),
  {
    method: 'post',
    path: '/v1/schedules/{name}/trigger',
    id: 'triggerSchedule',
    tag: 'Schedules',
    summary: 'Make one job of a schedule now',
    headers: keyHeaders,
    answers: { 201: { description: 'The job', schema: jobAcceptedSchema, headers: locationHeader } },
    problems: [
      'schedule-not-found',
      'unknown-type',
      'invalid-payload',
      'callback-forbidden',
      'invalid-header',
      'key-reused',
    ],
  },
]

export const workerOperations: Operation[] = [
  {
    method: 'get',
    path: '/v1/workers',
    id: 'listWorkers',
    tag: 'Workers',
    summary: 'The workers that run jobs, and those that did',
    description: 'Served by the job service from its own store.',
    query: listWorkersQuerySchema,
    answers: { 200: { description: 'The newest first', schema: workerListSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/workers/{worker_id}',
    id: 'getWorker',
    tag: 'Workers',
    summary: 'Read a worker and what it runs now',
    answers: { 200: { description: 'The worker', schema: workerDetailSchema } },
    problems: ['worker-not-found'],
  },
  {
    method: 'get',
    path: '/v1/workers/{worker_id}/attempts',
    id: 'listWorkerAttempts',
    tag: 'Workers',
    summary: 'The attempts that a worker ran',
    query: listWorkerAttemptsQuerySchema,
    answers: { 200: { description: 'A page, what ended last first', schema: workerAttemptsSchema } },
    problems: ['worker-not-found'],
  },
]

const text = z.string()
const heartbeatSchema = z
  .object({ status: z.literal('ok'), service: text, version: text, uptime_s: z.number().int() })
  .meta({ id: 'Heartbeat' })
const readinessSchema = z.object({ status: text, checks: z.record(text, text) }).meta({ id: 'Readiness' })

export const serviceOperations: Operation[] = [
  {
    method: 'get',
    path: '/heartbeat',
    id: 'getHeartbeat',
    tag: 'Service',
    summary: 'Whether the service lives',
    answers: { 200: { description: 'It does', schema: heartbeatSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/livez',
    id: 'getLiveness',
    tag: 'Service',
    summary: 'For a liveness probe',
    answers: { 200: { description: 'It lives', schema: z.object({ status: z.literal('ok') }) } },
    problems: [],
  },
  {
    method: 'get',
    path: '/readyz',
    id: 'getReadiness',
    tag: 'Service',
    summary: 'For a readiness probe',
    answers: {
      200: { description: 'It is ready', schema: readinessSchema },
      503: { description: 'It is not, and says why', schema: readinessSchema },
    },
    problems: [],
  },
  {
    method: 'get',
    path: '/metrics',
    id: 'getMetrics',
    tag: 'Service',
    summary: 'Prometheus metrics of this replica',
    answers: { 200: { description: 'In the text format', schema: text, mediaType: 'text/plain' } },
    problems: [],
  },
  {
    method: 'get',
    path: '/problems',
    id: 'listProblems',
    tag: 'Service',
    summary: 'Every error code',
    answers: { 200: { description: 'All of them', schema: problemsSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/problems/{code}',
    id: 'explainProblem',
    tag: 'Service',
    summary: "What an error's type leads to",
    answers: { 200: { description: 'The code', schema: problemExplainedSchema } },
    problems: ['not-found'],
  },
  ...(['/openapi.json', '/openapi-3.1.json'] as const).map(
    (path): Operation => ({
      method: 'get',
      path,
      id: path === '/openapi.json' ? 'getDescription' : 'getDescription31',
      tag: 'Service',
      summary: `This document, in OpenAPI ${path === '/openapi.json' ? '3.2' : '3.1'}`,
      answers: { 200: { description: 'The document', schema: z.record(text, z.unknown()) } },
      problems: [],
    }),
  ),
  {
    method: 'get',
    path: '/docs',
    id: 'getDocs',
    tag: 'Service',
    summary: 'This document, to read',
    answers: { 200: { description: 'A page', schema: text, mediaType: 'text/html' } },
    problems: [],
  },
]
