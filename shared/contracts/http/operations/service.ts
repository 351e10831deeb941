import { z } from 'zod'
import { problemExplainedSchema, problemsSchema } from '../problems.ts'
import { operationsOf } from './operation.ts'

const text = z.string()
const heartbeatSchema = z
  .object({ status: z.literal('ok'), service: text, version: text, uptime_s: z.number().int() })
  .meta({ id: 'Heartbeat' })
const readinessSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'not ready']).meta({
      description: '`degraded`: it serves, but one of the `details` needs a look',
    }),
    checks: z.record(text, text),
    details: z.record(text, text).optional().meta({
      description:
        'Facts that do not affect readiness, each `ok` or what is wrong: the clocks of this machine and the broker differ, lists lag behind, no new jobs are taken',
    }),
  })
  .meta({ id: 'Readiness' })

const description = { description: 'The document', schema: z.record(text, z.unknown()) }

export const serviceOperations = operationsOf('Service', {
  getHeartbeat: {
    method: 'get',
    path: '/heartbeat',
    scope: null,
    summary: 'Get the heartbeat of the service',
    answers: { 200: { description: 'The service is alive', schema: heartbeatSchema } },
    problems: [],
  },
  getLiveness: {
    method: 'get',
    path: '/livez',
    scope: null,
    summary: 'Liveness probe',
    answers: { 200: { description: 'The service is alive', schema: z.object({ status: z.literal('ok') }) } },
    problems: [],
  },
  getReadiness: {
    method: 'get',
    path: '/readyz',
    scope: null,
    summary: 'Readiness probe',
    answers: {
      200: { description: 'Ready', schema: readinessSchema },
      503: { description: 'Not ready; `checks` says why', schema: readinessSchema },
    },
    problems: [],
  },
  getMetrics: {
    method: 'get',
    path: '/metrics',
    scope: null,
    summary: 'Get the Prometheus metrics of this replica',
    answers: { 200: { description: 'Prometheus text format', schema: text, mediaType: 'text/plain' } },
    problems: [],
  },
  listProblems: {
    method: 'get',
    path: '/problems',
    scope: null,
    summary: 'List all error codes',
    answers: { 200: { description: 'The whole list', schema: problemsSchema } },
    problems: [],
  },
  explainProblem: {
    method: 'get',
    path: '/problems/{code}',
    scope: null,
    summary: 'Explain an error code',
    answers: { 200: { description: 'The error code', schema: problemExplainedSchema } },
    problems: ['not-found'],
  },
  getDescription: {
    method: 'get',
    path: '/openapi.json',
    scope: null,
    summary: 'Get this document as OpenAPI 3.2',
    answers: { 200: description },
    problems: [],
  },
  getDescription31: {
    method: 'get',
    path: '/openapi-3.1.json',
    scope: null,
    summary: 'Get this document as OpenAPI 3.1',
    answers: { 200: description },
    problems: [],
  },
  getDocs: {
    method: 'get',
    path: '/docs',
    scope: null,
    summary: 'Get this document as a web page',
    answers: { 200: { description: 'The page', schema: text, mediaType: 'text/html' } },
    problems: [],
  },
  getDashboard: {
    method: 'get',
    path: '/ui',
    scope: null,
    summary: 'Get the dashboard',
    description:
      'Each address below `/ui/` is one of its screens. What they show needs a token where AUTH is `required`.',
    answers: { 200: { description: 'The page', schema: text, mediaType: 'text/html' } },
    problems: [],
  },
  getRoot: {
    method: 'get',
    path: '/',
    scope: null,
    summary: 'Lead a browser to the dashboard',
    description: 'Only where the answer may be `text/html`; a program gets 405, because jobs are sent to this address.',
    answers: { 302: { description: 'The dashboard is at `Location`', schema: null } },
    problems: [],
  },
})
