import { eventsPageSchema, eventsQuerySchema, jobEventsQuerySchema, jobEventsSchema } from '../events.ts'
import { streamHeaders } from './headers.ts'
import { operationsOf } from './operation.ts'

export const eventOperations = operationsOf('Events', {
  followJob: {
    method: 'get',
    path: '/v1/jobs/{job_id}/events',
    scope: 'jobs:read',
    summary: 'Get the history of a job, or follow it',
    description:
      'With `Accept: text/event-stream` the answer is a stream that resumes after Last-Event-ID and ends with the job.',
    query: jobEventsQuerySchema,
    headers: streamHeaders,
    answers: {
      200: { description: 'The history', schema: jobEventsSchema, events: 'Event' },
      204: { description: 'The job has ended and all its events were sent; do not reconnect', schema: null },
    },
    problems: ['job-not-found', 'invalid-header'],
  },
  followJobs: {
    method: 'get',
    path: '/v1/events',
    scope: 'jobs:read',
    summary: 'Get or follow the events of all jobs',
    description:
      'With `Accept: text/event-stream` the answer is a stream of new events, or of those after Last-Event-ID.',
    query: eventsQuerySchema,
    headers: streamHeaders,
    answers: {
      200: { description: 'One page of events', schema: eventsPageSchema, events: 'Event' },
    },
    problems: ['invalid-header'],
  },
})
