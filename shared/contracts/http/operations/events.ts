import { eventsPageSchema, eventsQuerySchema, jobEventsQuerySchema, jobEventsSchema } from '../events.ts'
import { streamHeaders } from './headers.ts'
import { operationsOf } from './operation.ts'

export const eventOperations = operationsOf('Events', {
  followJob: {
    method: 'get',
    path: '/v1/jobs/{job_id}/events',
    scope: 'jobs:read',
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
  followJobs: {
    method: 'get',
    path: '/v1/events',
    scope: 'jobs:read',
    summary: 'The events of all jobs, or of one type',
    description: 'With `Accept: text/event-stream` those to come, or those after Last-Event-ID.',
    query: eventsQuerySchema,
    headers: streamHeaders,
    answers: {
      200: { description: 'A page of what the log holds', schema: eventsPageSchema, events: 'Event' },
    },
    problems: ['invalid-header'],
  },
})
