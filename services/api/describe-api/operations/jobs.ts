import { z } from 'zod'
import { batchQuerySchema, batchResultSchema, NDJSON } from '#shared/contracts/http/job-batch.ts'
import { jobListSchema, jobStatsSchema, listJobsQuerySchema } from '#shared/contracts/http/job-list.ts'
import {
  cancelJobBodySchema,
  createJobBodySchema,
  jobAcceptedSchema,
  jobViewSchema,
  retimeJobBodySchema,
  retryJobBodySchema,
} from '#shared/contracts/http/jobs.ts'
import type { ProblemCode } from '#shared/contracts/http/problems.ts'
import { redriveBodySchema, redriveResultSchema } from '#shared/contracts/http/redrive.ts'
import { whySchema } from '#shared/contracts/http/why.ts'
import {
  changeHeaders,
  createHeaders,
  etagHeader,
  keyHeaders,
  linkHeader,
  locationHeader,
  readHeaders,
} from '../headers.ts'
import type { Operation } from '../operation.ts'

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

const createJob: Operation = {
  method: 'post',
  path: '/v1/jobs',
  id: 'createJob',
  tag: 'Jobs',
  summary: 'Send a job',
  headers: createHeaders,
  body: { schema: createJobBodySchema },
  answers: { 200: ended, 201: accepted },
  problems: [...creating, 'cooldown'],
}

const getJob: Operation = {
  method: 'get',
  path: '/v1/jobs/{job_id}',
  id: 'getJob',
  tag: 'Jobs',
  summary: 'Read a job',
  headers: readHeaders,
  answers: { 200: found, 304: unchanged },
  problems: ['job-not-found'],
}

const cancelJob: Operation = {
  method: 'delete',
  path: '/v1/jobs/{job_id}',
  id: 'cancelJob',
  tag: 'Jobs',
  summary: 'Cancel a job',
  description: 'One that waits never starts; the handler of one that runs is told to stop.',
  answers: { 200: job },
  problems: ['job-not-found', 'wrong-state'],
}

export const jobOperations: Operation[] = [
  // Those at the root stay there for ever; those under /v1 are the same.
  {
    ...createJob,
    path: '/',
    id: 'createJobAtRoot',
    description: 'As `POST /v1/jobs`, but an object_id that was used a short time ago is answered with 400.',
    problems: [...creating, 'cooldown@400'],
  },
  { ...getJob, path: '/{job_id}', id: 'getJobAtRoot' },
  { ...cancelJob, path: '/{job_id}', id: 'cancelJobAtRoot' },
  createJob,
  getJob,
  cancelJob,
  {
    method: 'post',
    path: '/v1/jobs/batch',
    id: 'createJobs',
    tag: 'Jobs',
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
  {
    method: 'get',
    path: '/v1/jobs',
    id: 'listJobs',
    tag: 'Jobs',
    summary: 'Search jobs, newest first',
    query: listJobsQuerySchema,
    answers: { 200: { description: 'A page', schema: jobListSchema, headers: linkHeader } },
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/stats',
    id: 'countJobs',
    tag: 'Jobs',
    summary: 'Count jobs by status and type',
    answers: { 200: { description: 'The counts', schema: jobStatsSchema } },
    problems: [],
  },
  {
    method: 'patch',
    path: '/v1/jobs/{job_id}',
    id: 'retimeJob',
    tag: 'Jobs',
    summary: 'Give a job that waits for its time another one',
    body: { schema: retimeJobBodySchema },
    answers: { 200: job },
    problems: ['job-not-found', 'wrong-state'],
  },
  {
    method: 'post',
    path: '/v1/jobs/{job_id}/cancel',
    id: 'cancelJobWithReason',
    tag: 'Jobs',
    summary: 'Cancel a job and say why',
    headers: changeHeaders,
    body: { schema: cancelJobBodySchema, optional: true },
    answers: { 200: job },
    problems: ['job-not-found', 'wrong-state'],
  },
  {
    method: 'post',
    path: '/v1/jobs/{job_id}/retry',
    id: 'retryJob',
    tag: 'Jobs',
    summary: 'Start a failed or cancelled job again',
    description: 'A new round under the same id: attempts are numbered on, the history stays.',
    headers: changeHeaders,
    body: { schema: retryJobBodySchema, optional: true },
    answers: { 202: job },
    problems: ['job-not-found', 'wrong-state', 'unknown-type'],
  },
  {
    method: 'post',
    path: '/v1/redrive',
    id: 'redriveJobs',
    tag: 'Jobs',
    summary: 'Start many failed or cancelled jobs again',
    headers: changeHeaders,
    body: { schema: redriveBodySchema },
    answers: { 200: { description: 'What was done, and where to go on', schema: redriveResultSchema } },
    problems: ['unknown-type'],
  },
  {
    method: 'get',
    path: '/v1/jobs/{job_id}/why',
    id: 'explainJob',
    tag: 'Jobs',
    summary: 'Why a job is where it is',
    answers: { 200: { description: 'The reasons', schema: whySchema } },
    problems: ['job-not-found'],
  },
]
