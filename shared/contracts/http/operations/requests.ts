import { noParameters } from '../query.ts'
import {
  cancelRequestBodySchema,
  definitionListSchema,
  definitionOwnerQuerySchema,
  definitionQuerySchema,
  definitionViewSchema,
  listRequestsQuerySchema,
  putDefinitionBodySchema,
  requestListSchema,
  signalRequestBodySchema,
} from '../request-list.ts'
import { createRequestBodySchema, PLAN_BODY_MAX_MEMBERS, requestViewSchema } from '../requests.ts'
import { changeHeaders, etagHeader, keyHeaders, linkHeader, locationHeader, readHeaders } from './headers.ts'
import { operationsOf } from './operation.ts'

const request = { description: 'The request', schema: requestViewSchema }
const definition = { description: 'The definition', schema: definitionViewSchema }

export const requestOperations = operationsOf('Requests', {
  createRequest: {
    method: 'post',
    path: '/v1/requests',
    scope: 'jobs:write',
    summary: 'Create a request',
    description:
      'Steps run one after another, and the jobs of a step at the same time. Give either `steps` or the name of a stored `definition`.',
    headers: keyHeaders,
    body: { schema: createRequestBodySchema, membersMax: PLAN_BODY_MAX_MEMBERS },
    answers: { 201: { ...request, description: 'Accepted and stored', headers: locationHeader } },
    problems: ['invalid-plan', 'invalid-header', 'key-reused'],
  },
  listRequests: {
    method: 'get',
    path: '/v1/requests',
    scope: 'jobs:read',
    summary: 'List requests, newest first',
    query: listRequestsQuerySchema,
    answers: { 200: { description: 'One page', schema: requestListSchema, headers: linkHeader } },
    problems: [],
  },
  getRequest: {
    method: 'get',
    path: '/v1/requests/{request_id}',
    scope: 'jobs:read',
    summary: 'Get a request with its steps, jobs and attempts',
    headers: readHeaders.pick({ 'If-None-Match': true }),
    answers: {
      200: { ...request, headers: etagHeader },
      304: { description: 'Not modified: If-None-Match names the current version', schema: null },
    },
    problems: ['request-not-found'],
  },
  cancelRequest: {
    method: 'delete',
    path: '/v1/requests/{request_id}',
    scope: 'jobs:write',
    summary: 'Cancel a request',
    description: 'Running jobs are cancelled, and no further job starts.',
    answers: { 200: request },
    problems: ['request-not-found', 'wrong-state'],
  },
  cancelRequestWithReason: {
    method: 'post',
    path: '/v1/requests/{request_id}/cancel',
    scope: 'jobs:write',
    summary: 'Cancel a request with a reason',
    headers: changeHeaders,
    body: { schema: cancelRequestBodySchema, isOptional: true },
    answers: { 200: request },
    problems: ['request-not-found', 'wrong-state'],
  },
  retryRequest: {
    method: 'post',
    path: '/v1/requests/{request_id}/retry',
    scope: 'jobs:write',
    summary: 'Retry a failed or cancelled request',
    description: 'Continues at the step where the request stopped. Completed jobs and the history are kept.',
    headers: changeHeaders,
    answers: { 202: request },
    problems: ['request-not-found', 'wrong-state'],
  },
  signalRequest: {
    method: 'post',
    path: '/v1/requests/{request_id}/signals/{name}',
    scope: 'jobs:write',
    summary: 'Send a signal to a request',
    description: 'A signal may arrive before its step is reached, and counts once.',
    headers: changeHeaders,
    body: { schema: signalRequestBodySchema, isOptional: true },
    answers: { 200: request },
    problems: ['request-not-found', 'wrong-state', 'invalid-plan'],
  },
})

export const definitionOperations = operationsOf('Requests', {
  listDefinitions: {
    method: 'get',
    path: '/v1/definitions',
    scope: 'jobs:read',
    summary: 'List definitions',
    query: noParameters,
    answers: { 200: { description: 'The latest version of each definition, by name', schema: definitionListSchema } },
    problems: [],
  },
  putDefinition: {
    method: 'put',
    path: '/v1/definitions/{name}',
    scope: 'jobs:write',
    summary: 'Store a definition as the next version of its name',
    description:
      'A plan identical to the latest version creates none. A request keeps the version that it started with.',
    query: definitionOwnerQuerySchema,
    body: { schema: putDefinitionBodySchema, membersMax: PLAN_BODY_MAX_MEMBERS },
    answers: {
      200: { ...definition, description: 'Identical to the latest version' },
      201: { ...definition, description: 'A new version' },
    },
    problems: ['invalid-plan', 'too-many-definitions'],
  },
  getDefinition: {
    method: 'get',
    path: '/v1/definitions/{name}',
    scope: 'jobs:read',
    summary: 'Get a definition',
    query: definitionQuerySchema,
    answers: { 200: definition },
    problems: ['definition-not-found'],
  },
  deleteDefinition: {
    method: 'delete',
    path: '/v1/definitions/{name}',
    scope: 'jobs:write',
    summary: 'Delete all versions of a definition',
    query: definitionOwnerQuerySchema,
    answers: { 204: { description: 'Deleted; requests that use it continue', schema: null } },
    problems: ['definition-not-found'],
  },
})
