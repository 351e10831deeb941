import { noParameters } from '../query.ts'
import {
  listWorkerAttemptsQuerySchema,
  listWorkersQuerySchema,
  workerAttemptsSchema,
  workerDetailSchema,
  workerListSchema,
} from '../workers.ts'
import { operationsOf } from './operation.ts'

export const workerOperations = operationsOf('Workers', {
  listWorkers: {
    method: 'get',
    path: '/v1/workers',
    scope: 'admin',
    summary: 'List current and past workers',
    description: 'Answered by the job service from its own store.',
    query: listWorkersQuerySchema,
    answers: { 200: { description: 'Newest first', schema: workerListSchema } },
    problems: [],
  },
  getWorker: {
    method: 'get',
    path: '/v1/workers/{worker_id}',
    scope: 'admin',
    summary: 'Get a worker and its running jobs',
    query: noParameters,
    answers: { 200: { description: 'The worker', schema: workerDetailSchema } },
    problems: ['worker-not-found'],
  },
  listWorkerAttempts: {
    method: 'get',
    path: '/v1/workers/{worker_id}/attempts',
    scope: 'admin',
    summary: 'List the attempts of a worker',
    query: listWorkerAttemptsQuerySchema,
    answers: { 200: { description: 'One page, last ended first', schema: workerAttemptsSchema } },
    problems: ['worker-not-found'],
  },
})
