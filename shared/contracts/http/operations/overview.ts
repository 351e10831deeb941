import { z } from 'zod'
import { errorListSchema, listErrorsQuerySchema } from '../errors.ts'
import { healthSchema } from '../health.ts'
import { digestSchema } from '../live.ts'
import { noParameters, tenantFilterParameter } from '../query.ts'
import { seriesQuerySchema, seriesSchema } from '../series.ts'
import { operationsOf } from './operation.ts'

export const overviewOperations = operationsOf('Overview', {
  getSeries: {
    method: 'get',
    path: '/v1/series',
    scope: 'jobs:read',
    summary: 'Get what happened over time',
    description:
      'Jobs accepted, started and ended in each span of time, how long they waited and ran, and how many waited.',
    query: seriesQuerySchema,
    answers: { 200: { description: 'The points, oldest first', schema: seriesSchema } },
    problems: [],
  },
  getLive: {
    method: 'get',
    path: '/v1/live',
    scope: 'jobs:read',
    summary: 'Get or follow what happens now',
    description:
      'With `Accept: text/event-stream` the answer is a stream of digests, one a second: what waits, runs, comes and goes, and whether anything needs a look.',
    query: z.strictObject({ tenant: tenantFilterParameter }),
    answers: { 200: { description: 'The next digest', schema: digestSchema, events: 'Digest' } },
    problems: [],
  },
  listErrors: {
    method: 'get',
    path: '/v1/errors',
    scope: 'jobs:read',
    summary: 'List errors by kind',
    description:
      'Errors of one type with the same name, code and message are one kind, whatever numbers, ids, quoted texts, addresses and paths the message has.',
    query: listErrorsQuerySchema,
    answers: { 200: { description: 'One page, last seen first', schema: errorListSchema } },
    problems: [],
  },
  getHealth: {
    method: 'get',
    path: '/v1/health',
    scope: 'admin',
    summary: 'Get the health of the whole installation',
    description: 'What this replica knows of broker, store, log, workers and its own settings.',
    query: noParameters,
    answers: { 200: { description: 'The health, also where something is wrong', schema: healthSchema } },
    problems: [],
  },
})
