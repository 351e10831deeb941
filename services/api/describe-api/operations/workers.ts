import {
  listWorkerAttemptsQuerySchema,
  listWorkersQuerySchema,
  workerAttemptsSchema,
  workerDetailSchema,
  workerListSchema,
} from '#shared/contracts/http/workers.ts'
import type { Operation } from '../operation.ts'

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
