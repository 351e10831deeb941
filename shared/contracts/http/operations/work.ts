import {
  claimedWorkSchema,
  claimWorkBodySchema,
  completeWorkBodySchema,
  extendedWorkSchema,
  extendWorkBodySchema,
  failWorkBodySchema,
  releaseWorkBodySchema,
  settledSchema,
} from '../work.ts'
import { operationsOf } from './operation.ts'

const settled = {
  200: {
    description: 'What became of the job: the same again on a repeat, which changes nothing',
    schema: settledSchema,
  },
}
const settleProblems = ['invalid-lease', 'superseded', 'job-ended', 'unavailable'] as const

export const workOperations = operationsOf('Work', {
  claimWork: {
    method: 'post',
    path: '/v1/work',
    scope: 'work',
    summary: 'Claim jobs, and settle earlier ones',
    description: 'Waits up to `wait_s` for the first job, and answers with all that are there then, up to `max`.',
    body: { schema: claimWorkBodySchema, membersMax: 200_000 },
    answers: { 200: { description: 'The jobs that now belong to the worker', schema: claimedWorkSchema } },
    problems: ['unknown-type', 'wrong-runner', 'unavailable'],
  },
  extendWork: {
    method: 'post',
    path: '/v1/work/extend',
    scope: 'work',
    summary: 'Extend leases, and report progress',
    description: 'A worker calls this in a third of the time of its leases, and learns which jobs it should stop.',
    body: { schema: extendWorkBodySchema },
    answers: { 200: { description: 'One answer for each lease', schema: extendedWorkSchema } },
    problems: ['unavailable'],
  },
  completeWork: {
    method: 'post',
    path: '/v1/work/{job_id}/complete',
    scope: 'work',
    summary: 'Complete a job with its result',
    description:
      'The first end of an attempt counts: a repeat is answered in the same way, and its result is not kept. A job whose result is too large fails without a retry: the answer is 200 with `failed`.',
    body: { schema: completeWorkBodySchema },
    answers: settled,
    problems: settleProblems,
  },
  failWork: {
    method: 'post',
    path: '/v1/work/{job_id}/fail',
    scope: 'work',
    summary: 'Report that an attempt failed',
    description: 'The job is tried again after its backoff while it has attempts left.',
    body: { schema: failWorkBodySchema },
    answers: settled,
    problems: settleProblems,
  },
  releaseWork: {
    method: 'post',
    path: '/v1/work/{job_id}/release',
    scope: 'work',
    summary: 'Hand a job back',
    description: 'Another worker gets the job; no attempt is spent.',
    body: { schema: releaseWorkBodySchema },
    answers: settled,
    problems: settleProblems,
  },
})
