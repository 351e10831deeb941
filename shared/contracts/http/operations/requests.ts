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
    summary: 'Send a request: steps one after another, the jobs of each at the same time',
    description: 'Either `steps` or the name of a stored `definition`.',
    headers: keyHeaders,
    body: { schema: createRequestBodySchema, membersMax: PLAN_BODY_MAX_MEMBERS },
    answers: { 201: { ...request, description: 'Accepted: it is in the log', headers: locationHeader } },
    problems: ['invalid-plan', 'invalid-header', 'key-reused'],
  },
  listRequests: {
    method: 'get',
    path: '/v1/requests',
    scope: 'jobs:read',
    summary: 'List requests, newest first',
    query: listRequestsQuerySchema,
    answers: { 200: { description: 'A page', schema: requestListSchema, headers: linkHeader } },
    problems: [],
  },
  getRequest: {
    method: 'get',
    path: '/v1/requests/{request_id}',
    scope: 'jobs:read',
    summary: 'Read a request, with every step, every job and all its attempts',
    headers: readHeaders.pick({ 'If-None-Match': true }),
    answers: {
      200: { ...request, headers: etagHeader },
      304: { description: 'It is still what If-None-Match names', schema: null },
    },
    problems: ['request-not-found'],
  },
  cancelRequest: {
    method: 'delete',
    path: '/v1/requests/{request_id}',
    scope: 'jobs:write',
    summary: 'Cancel a request',
    description: 'Jobs that run are cancelled, and nothing more is started.',
    answers: { 200: request },
    problems: ['request-not-found', 'wrong-state'],
  },
  cancelRequestWithReason: {
    method: 'post',
    path: '/v1/requests/{request_id}/cancel',
    scope: 'jobs:write',
    summary: 'Cancel a request and say why',
    headers: changeHeaders,
    body: { schema: cancelRequestBodySchema, isOptional: true },
    answers: { 200: request },
    problems: ['request-not-found', 'wrong-state'],
  },
  retryRequest: {
    method: 'post',
    path: '/v1/requests/{request_id}/retry',
    scope: 'jobs:write',
    summary: 'Go on with a failed or cancelled request',
    description: 'At the step where it stopped: what is done is kept, and the history stays.',
    headers: changeHeaders,
    answers: { 202: request },
    problems: ['request-not-found', 'wrong-state'],
  },
  signalRequest: {
    method: 'post',
    path: '/v1/requests/{request_id}/signals/{name}',
    scope: 'jobs:write',
    summary: 'Give a request the signal that a step of it waits for',
    description: 'It may come before that step is reached, and counts once.',
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
    summary: 'List the stored plans',
    query: noParameters,
    answers: { 200: { description: 'The latest version of each, by name', schema: definitionListSchema } },
    problems: [],
  },
  putDefinition: {
    method: 'put',
    path: '/v1/definitions/{name}',
    scope: 'jobs:write',
    summary: 'Store a plan, as the next version of its name',
    description: 'The same plan as the latest one makes no version. A request keeps the version that it began with.',
    query: definitionOwnerQuerySchema,
    body: { schema: putDefinitionBodySchema, membersMax: PLAN_BODY_MAX_MEMBERS },
    answers: {
      200: { ...definition, description: 'It is the latest version already' },
      201: { ...definition, description: 'A new version' },
    },
    problems: ['invalid-plan', 'too-many-definitions'],
  },
  getDefinition: {
    method: 'get',
    path: '/v1/definitions/{name}',
    scope: 'jobs:read',
    summary: 'Read a stored plan',
    query: definitionQuerySchema,
    answers: { 200: definition },
    problems: ['definition-not-found'],
  },
  deleteDefinition: {
    method: 'delete',
    path: '/v1/definitions/{name}',
    scope: 'jobs:write',
    summary: 'Delete a stored plan, all its versions',
    query: definitionOwnerQuerySchema,
    answers: { 204: { description: 'It is gone; requests that use it go on', schema: null } },
    problems: ['definition-not-found'],
  },
})
