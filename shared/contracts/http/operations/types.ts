import { noParameters } from '../query.ts'
import { changeTypeBodySchema, putTypeBodySchema, typesSchema, typeViewSchema } from '../types.ts'
import { operationsOf } from './operation.ts'

const type = { description: 'The type', schema: typeViewSchema }

export const typeOperations = operationsOf('Types', {
  listTypes: {
    method: 'get',
    path: '/v1/types',
    scope: 'jobs:read',
    summary: 'List job types',
    query: noParameters,
    answers: { 200: { description: 'The whole list', schema: typesSchema } },
    problems: [],
  },
  getType: {
    method: 'get',
    path: '/v1/types/{type}',
    scope: 'jobs:read',
    summary: 'Get a job type',
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  putType: {
    method: 'put',
    path: '/v1/types/{type}',
    scope: 'admin',
    summary: 'Register a job type for workers over HTTP',
    description:
      'Creates the type, or changes its policy and payload schema. Jobs that exist keep what they were created with.',
    body: { schema: putTypeBodySchema },
    answers: { 200: type, 201: { ...type, description: 'The type was created' } },
    problems: ['wrong-runner', 'unavailable'],
  },
  deleteType: {
    method: 'delete',
    path: '/v1/types/{type}',
    scope: 'admin',
    summary: 'Remove a job type of workers over HTTP',
    description:
      'Only when no unfinished job of the type is left. It takes some six seconds, in which no job of the type is accepted.',
    answers: { 204: { description: 'The type is gone', schema: null } },
    problems: ['unknown-type@404', 'wrong-runner', 'type-in-use', 'unavailable'],
  },
  changeType: {
    method: 'patch',
    path: '/v1/types/{type}',
    scope: 'admin',
    summary: 'Set the concurrency limit of a job type',
    description: 'The limit counts jobs over all workers, takes effect immediately and stays until it is changed.',
    body: { schema: changeTypeBodySchema },
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  pauseType: {
    method: 'post',
    path: '/v1/types/{type}/pause',
    scope: 'admin',
    summary: 'Pause a job type',
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  resumeType: {
    method: 'post',
    path: '/v1/types/{type}/resume',
    scope: 'admin',
    summary: 'Resume a job type',
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
})
