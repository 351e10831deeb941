import { noParameters } from '../query.ts'
import { changeTypeBodySchema, typesSchema, typeViewSchema } from '../types.ts'
import { operationsOf } from './operation.ts'

const type = { description: 'The type', schema: typeViewSchema }

export const typeOperations = operationsOf('Types', {
  listTypes: {
    method: 'get',
    path: '/v1/types',
    scope: 'jobs:read',
    summary: 'The job types there are',
    query: noParameters,
    answers: { 200: { description: 'All of them', schema: typesSchema } },
    problems: [],
  },
  getType: {
    method: 'get',
    path: '/v1/types/{type}',
    scope: 'jobs:read',
    summary: 'Read a job type',
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  changeType: {
    method: 'patch',
    path: '/v1/types/{type}',
    scope: 'admin',
    summary: 'Change how many jobs of a type run at once',
    description: 'Over all workers, at once, and until it is changed again.',
    body: { schema: changeTypeBodySchema },
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  pauseType: {
    method: 'post',
    path: '/v1/types/{type}/pause',
    scope: 'admin',
    summary: 'Start no more jobs of a type',
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  resumeType: {
    method: 'post',
    path: '/v1/types/{type}/resume',
    scope: 'admin',
    summary: 'Start jobs of a type again',
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
})
