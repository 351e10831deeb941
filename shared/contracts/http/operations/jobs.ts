import { z } from 'zod'
import { cancelJobsBodySchema, cancelJobsResultSchema } from '../cancel-jobs.ts'
import { batchQuerySchema, batchResultSchema, NDJSON } from '../job-batch.ts'
import {
  countJobsQuerySchema,
  jobCountSchema,
  jobListSchema,
  jobStatsSchema,
  listJobsQuerySchema,
} from '../job-list.ts'
import {
  cancelJobBodySchema,
  createJobBodySchema,
  jobAcceptedSchema,
  jobViewSchema,
  rescheduleJobBodySchema,
  retryJobBodySchema,
  rootJobBodySchema,
} from '../jobs.ts'
import type { ProblemCode } from '../problems.ts'
import { noParameters } from '../query.ts'
import { redriveBodySchema, redriveResultSchema } from '../redrive.ts'
import { whySchema } from '../why.ts'
import {
  changeHeaders,
  createHeaders,
  etagHeader,
  keyHeaders,
  linkHeader,
  locationHeader,
  readHeaders,
} from './headers.ts'
import { operationsOf } from './operation.ts'

/** Reasons for which a body that creates a job may be refused. */
const creating: ProblemCode[] = [
  'unknown-type',
  'invalid-payload',
  'invalid-header',
  'callback-forbidden',
  'key-reused',
]
const job = { description: 'The job', schema: jobViewSchema }
const accepted = { description: 'Accepted and stored', schema: jobAcceptedSchema, headers: locationHeader }
const ended = { description: 'The job ended within the preferred wait', schema: jobViewSchema, headers: locationHeader }
const found = { description: 'The job', schema: jobViewSchema, headers: etagHeader }
const unchanged = { description: 'Not modified: If-None-Match names the current version', schema: null }

const getJob = {
  method: 'get',
  path: '/v1/jobs/{job_id}',
  scope: 'jobs:read',
  summary: 'Get a job',
  headers: readHeaders,
  answers: { 200: found, 304: unchanged },
  problems: ['job-not-found'],
} as const

const cancelJob = {
  method: 'delete',
  path: '/v1/jobs/{job_id}',
  scope: 'jobs:write',
  summary: 'Cancel a job',
  description: 'A waiting job never starts; the handler of a running job is told to stop.',
  answers: { 200: job },
  problems: ['job-not-found', 'wrong-state'],
} as const

export const jobOperations = operationsOf('Jobs', {
  // The routes at the root are permanent; those under /v1 do the same.
  createJobAtRoot: {
    method: 'post',
    path: '/',
    scope: 'jobs:write',
    summary: 'Create a job',
    description:
      'Same as `POST /v1/jobs`, except that the type may be left out, and that an object_id has its cooldown with every type that does not rule it out, answered with 400.',
    headers: createHeaders,
    body: { schema: rootJobBodySchema },
    answers: { 200: ended, 201: accepted },
    problems: [...creating, 'cooldown@400'],
  },
  getJobAtRoot: { ...getJob, path: '/{job_id}' },
  cancelJobAtRoot: { ...cancelJob, path: '/{job_id}' },
  createJob: {
    method: 'post',
    path: '/v1/jobs',
    scope: 'jobs:write',
    summary: 'Create a job',
    query: noParameters,
    headers: createHeaders,
    body: { schema: createJobBodySchema },
    answers: { 200: ended, 201: accepted },
    problems: [...creating, 'cooldown'],
  },
  getJob,
  cancelJob,
  createJobs: {
    method: 'post',
    path: '/v1/jobs/batch',
    scope: 'jobs:write',
    summary: 'Create up to 10,000 jobs',
    description:
      'A JSON array, or one job per line. Each job is accepted or refused on its own; with `atomic=true` all are accepted or none.',
    query: batchQuerySchema,
    headers: keyHeaders,
    body: {
      schema: z.array(createJobBodySchema).min(1).max(10_000),
      mediaTypes: { [NDJSON]: z.string() },
    },
    answers: {
      200: { description: 'The outcome of each job', schema: batchResultSchema },
      201: { description: 'All jobs were accepted (`atomic=true`)', schema: batchResultSchema },
    },
    problems: ['batch-refused', 'invalid-header', 'key-reused', 'cooldown'],
  },
  listJobs: {
    method: 'get',
    path: '/v1/jobs',
    scope: 'jobs:read',
    summary: 'List jobs, newest first',
    query: listJobsQuerySchema,
    answers: { 200: { description: 'One page', schema: jobListSchema, headers: linkHeader } },
    problems: [],
  },
  countMatching: {
    method: 'get',
    path: '/v1/jobs/count',
    scope: 'jobs:read',
    summary: 'Count the jobs that match filters',
    description: 'The filters of the list. Counting stops at 10,000.',
    query: countJobsQuerySchema,
    answers: { 200: { description: 'The count', schema: jobCountSchema } },
    problems: [],
  },
  countJobs: {
    method: 'get',
    path: '/v1/stats',
    scope: 'jobs:read',
    summary: 'Count jobs by status and type',
    query: noParameters,
    answers: { 200: { description: 'The counts', schema: jobStatsSchema } },
    problems: [],
  },
  rescheduleJob: {
    method: 'patch',
    path: '/v1/jobs/{job_id}',
    scope: 'jobs:write',
    summary: 'Reschedule a job',
    description: 'Only a scheduled or retrying job can be rescheduled. A time in the past starts it now.',
    body: { schema: rescheduleJobBodySchema },
    answers: { 200: job },
    problems: ['job-not-found', 'wrong-state'],
  },
  cancelJobWithReason: {
    method: 'post',
    path: '/v1/jobs/{job_id}/cancel',
    scope: 'jobs:write',
    summary: 'Cancel a job with a reason',
    headers: changeHeaders,
    body: { schema: cancelJobBodySchema, isOptional: true },
    answers: { 200: job },
    problems: ['job-not-found', 'wrong-state'],
  },
  retryJob: {
    method: 'post',
    path: '/v1/jobs/{job_id}/retry',
    scope: 'jobs:write',
    summary: 'Retry a failed or cancelled job',
    description: 'Starts a new round under the same id. Attempt numbers continue and the history is kept.',
    headers: changeHeaders,
    body: { schema: retryJobBodySchema, isOptional: true },
    answers: { 202: job },
    problems: ['job-not-found', 'wrong-state', 'unknown-type'],
  },
  cancelJobs: {
    method: 'post',
    path: '/v1/cancel',
    scope: 'jobs:write',
    summary: 'Cancel many jobs',
    description: 'Cancels all jobs that match the filters and have not ended, page by page.',
    headers: changeHeaders,
    body: { schema: cancelJobsBodySchema },
    answers: {
      200: {
        description: 'How many jobs were cancelled, and the cursor of the next call',
        schema: cancelJobsResultSchema,
      },
    },
    problems: [],
  },
  redriveJobs: {
    method: 'post',
    path: '/v1/redrive',
    scope: 'jobs:write',
    summary: 'Redrive many failed or cancelled jobs',
    description: 'Retries all jobs that match the filters, page by page and at the given rate.',
    headers: changeHeaders,
    body: { schema: redriveBodySchema },
    answers: {
      200: { description: 'How many jobs were retried, and the cursor of the next call', schema: redriveResultSchema },
    },
    problems: ['unknown-type'],
  },
  explainJob: {
    method: 'get',
    path: '/v1/jobs/{job_id}/why',
    scope: 'jobs:read',
    summary: 'Explain why a job is not running or how it ended',
    answers: { 200: { description: 'The reasons, the attempts and what to do next', schema: whySchema } },
    problems: ['job-not-found'],
  },
})
