import { z } from 'zod'
import { batchQuerySchema, batchResultSchema, NDJSON } from '../job-batch.ts'
import { jobListSchema, jobStatsSchema, listJobsQuerySchema } from '../job-list.ts'
import {
  cancelJobBodySchema,
  createJobBodySchema,
  jobAcceptedSchema,
  jobViewSchema,
  rescheduleJobBodySchema,
  retryJobBodySchema,
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

/** What a body that makes a job may be refused for. */
const creating: ProblemCode[] = [
  'unknown-type',
  'invalid-payload',
  'invalid-header',
  'callback-forbidden',
  'key-reused',
]
const job = { description: 'The job', schema: jobViewSchema }
const accepted = { description: 'Accepted: it is in the log', schema: jobAcceptedSchema, headers: locationHeader }
const ended = { description: 'It ended within the preferred wait', schema: jobViewSchema, headers: locationHeader }
const found = { description: 'The job', schema: jobViewSchema, headers: etagHeader }
const unchanged = { description: 'It is still what If-None-Match names', schema: null }

const getJob = {
  method: 'get',
  path: '/v1/jobs/{job_id}',
  scope: 'jobs:read',
  summary: 'Read a job',
  headers: readHeaders,
  answers: { 200: found, 304: unchanged },
  problems: ['job-not-found'],
} as const

const cancelJob = {
  method: 'delete',
  path: '/v1/jobs/{job_id}',
  scope: 'jobs:write',
  summary: 'Cancel a job',
  description: 'One that waits never starts; the handler of one that runs is told to stop.',
  answers: { 200: job },
  problems: ['job-not-found', 'wrong-state'],
} as const

export const jobOperations = operationsOf('Jobs', {
  // Those at the root stay there for ever; those under /v1 are the same.
  createJobAtRoot: {
    method: 'post',
    path: '/',
    scope: 'jobs:write',
    summary: 'Send a job',
    description: 'As `POST /v1/jobs`, but an object_id that was used a short time ago is answered with 400.',
    headers: createHeaders,
    body: { schema: createJobBodySchema },
    answers: { 200: ended, 201: accepted },
    problems: [...creating, 'cooldown@400'],
  },
  getJobAtRoot: { ...getJob, path: '/{job_id}' },
  cancelJobAtRoot: { ...cancelJob, path: '/{job_id}' },
  createJob: {
    method: 'post',
    path: '/v1/jobs',
    scope: 'jobs:write',
    summary: 'Send a job',
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
    summary: 'Send up to 10,000 jobs',
    description: 'An array, or a job a line. Each is answered for itself; with `atomic=true` all are accepted or none.',
    query: batchQuerySchema,
    headers: keyHeaders,
    body: {
      schema: z.array(createJobBodySchema).min(1).max(10_000),
      mediaTypes: { [NDJSON]: z.string() },
    },
    answers: {
      200: { description: 'What became of each', schema: batchResultSchema },
      201: { description: 'All were accepted (`atomic=true`)', schema: batchResultSchema },
    },
    problems: ['batch-refused', 'invalid-header', 'key-reused', 'cooldown'],
  },
  listJobs: {
    method: 'get',
    path: '/v1/jobs',
    scope: 'jobs:read',
    summary: 'Search jobs, newest first',
    query: listJobsQuerySchema,
    answers: { 200: { description: 'A page', schema: jobListSchema, headers: linkHeader } },
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
    summary: 'Give a job that waits for its time another one',
    body: { schema: rescheduleJobBodySchema },
    answers: { 200: job },
    problems: ['job-not-found', 'wrong-state'],
  },
  cancelJobWithReason: {
    method: 'post',
    path: '/v1/jobs/{job_id}/cancel',
    scope: 'jobs:write',
    summary: 'Cancel a job and say why',
    headers: changeHeaders,
    body: { schema: cancelJobBodySchema, isOptional: true },
    answers: { 200: job },
    problems: ['job-not-found', 'wrong-state'],
  },
  retryJob: {
    method: 'post',
    path: '/v1/jobs/{job_id}/retry',
    scope: 'jobs:write',
    summary: 'Start a failed or cancelled job again',
    description: 'A new round under the same id: attempts are numbered on, the history stays.',
    headers: changeHeaders,
    body: { schema: retryJobBodySchema, isOptional: true },
    answers: { 202: job },
    problems: ['job-not-found', 'wrong-state', 'unknown-type'],
  },
  redriveJobs: {
    method: 'post',
    path: '/v1/redrive',
    scope: 'jobs:write',
    summary: 'Start many failed or cancelled jobs again',
    headers: changeHeaders,
    body: { schema: redriveBodySchema },
    answers: { 200: { description: 'What was done, and where to go on', schema: redriveResultSchema } },
    problems: ['unknown-type'],
  },
  explainJob: {
    method: 'get',
    path: '/v1/jobs/{job_id}/why',
    scope: 'jobs:read',
    summary: 'Why a job is where it is',
    answers: { 200: { description: 'The reasons', schema: whySchema } },
    problems: ['job-not-found'],
  },
})
