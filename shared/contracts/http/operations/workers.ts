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
    summary: 'The workers that run jobs, and those that did',
    description: 'Served by the job service from its own store.',
    query: listWorkersQuerySchema,
    answers: { 200: { description: 'The newest first', schema: workerListSchema } },
    problems: [],
  },
  getWorker: {
    method: 'get',
    path: '/v1/workers/{worker_id}',
    scope: 'admin',
    summary: 'Read a worker and what it runs now',
    query: noParameters,
    answers: { 200: { description: 'The worker', schema: workerDetailSchema } },
    problems: ['worker-not-found'],
  },
  listWorkerAttempts: {
    method: 'get',
    path: '/v1/workers/{worker_id}/attempts',
    scope: 'admin',
    summary: 'The attempts that a worker ran',
    query: listWorkerAttemptsQuerySchema,
    answers: { 200: { description: 'A page, what ended last first', schema: workerAttemptsSchema } },
    problems: ['worker-not-found'],
  },
})
