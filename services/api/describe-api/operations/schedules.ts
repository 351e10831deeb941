import { jobAcceptedSchema } from '#shared/contracts/http/jobs.ts'
import {
  putScheduleBodySchema,
  scheduleListSchema,
  scheduleQuerySchema,
  scheduleViewSchema,
} from '#shared/contracts/http/schedules.ts'
import { etagHeader, keyHeaders, locationHeader, matchHeaders } from '../headers.ts'
import type { Operation } from '../operation.ts'

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
    query: scheduleQuerySchema,
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
    query: scheduleQuerySchema,
    id: 'getSchedule',
    tag: 'Schedules',
    summary: 'Read a schedule and its next times',
    answers: { 200: schedule },
    problems: ['schedule-not-found'],
  },
  {
    method: 'delete',
    path: '/v1/schedules/{name}',
    query: scheduleQuerySchema,
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
      query: scheduleQuerySchema,
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
    query: scheduleQuerySchema,
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
