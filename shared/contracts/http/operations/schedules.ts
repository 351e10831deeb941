import { calendarQuerySchema, calendarSchema } from '../calendar.ts'
import { jobAcceptedSchema } from '../jobs.ts'
import {
  listSchedulesQuerySchema,
  putScheduleBodySchema,
  scheduleListSchema,
  scheduleQuerySchema,
  scheduleViewSchema,
} from '../schedules.ts'
import { etagHeader, keyHeaders, linkHeader, locationHeader, matchHeaders } from './headers.ts'
import { operationsOf } from './operation.ts'

const schedule = { description: 'The schedule', schema: scheduleViewSchema, headers: etagHeader }

export const scheduleOperations = operationsOf('Schedules', {
  listSchedules: {
    method: 'get',
    path: '/v1/schedules',
    scope: 'jobs:read',
    summary: 'List schedules by name',
    query: listSchedulesQuerySchema,
    answers: { 200: { description: 'One page', schema: scheduleListSchema, headers: linkHeader } },
    problems: [],
  },
  getCalendar: {
    method: 'get',
    path: '/v1/schedules/calendar',
    scope: 'jobs:read',
    summary: 'Get how often schedules tick, hour by hour',
    query: calendarQuerySchema,
    answers: { 200: { description: 'The hours that have ticks', schema: calendarSchema } },
    problems: [],
  },
  putSchedule: {
    method: 'put',
    path: '/v1/schedules/{name}',
    scope: 'jobs:write',
    query: scheduleQuerySchema,
    summary: 'Create or update a schedule',
    headers: matchHeaders,
    body: { schema: putScheduleBodySchema },
    answers: { 200: { ...schedule, description: 'Updated' }, 201: { ...schedule, description: 'Created' } },
    problems: ['unknown-type', 'invalid-payload', 'callback-forbidden', 'precondition-failed', 'too-many-schedules'],
  },
  getSchedule: {
    method: 'get',
    path: '/v1/schedules/{name}',
    scope: 'jobs:read',
    query: scheduleQuerySchema,
    summary: 'Get a schedule and its next run times',
    answers: { 200: schedule },
    problems: ['schedule-not-found'],
  },
  deleteSchedule: {
    method: 'delete',
    path: '/v1/schedules/{name}',
    scope: 'jobs:write',
    query: scheduleQuerySchema,
    summary: 'Delete a schedule and keep its jobs',
    headers: matchHeaders,
    answers: { 204: { description: 'Deleted', schema: null } },
    problems: ['schedule-not-found', 'precondition-failed'],
  },
  pauseSchedule: {
    method: 'post',
    path: '/v1/schedules/{name}/pause',
    scope: 'jobs:write',
    query: scheduleQuerySchema,
    summary: 'Pause a schedule',
    headers: matchHeaders,
    answers: { 200: schedule },
    problems: ['schedule-not-found', 'precondition-failed'],
  },
  resumeSchedule: {
    method: 'post',
    path: '/v1/schedules/{name}/resume',
    scope: 'jobs:write',
    query: scheduleQuerySchema,
    summary: 'Resume a schedule from now on',
    headers: matchHeaders,
    answers: { 200: schedule },
    problems: ['schedule-not-found', 'precondition-failed'],
  },
  triggerSchedule: {
    method: 'post',
    path: '/v1/schedules/{name}/trigger',
    scope: 'jobs:write',
    query: scheduleQuerySchema,
    summary: 'Trigger a schedule now',
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
})
