import { z } from 'zod'
import { problemExplainedSchema, problemsSchema } from '../problems.ts'
import { operationsOf } from './operation.ts'

const text = z.string()
const heartbeatSchema = z
  .object({ status: z.literal('ok'), service: text, version: text, uptime_s: z.number().int() })
  .meta({ id: 'Heartbeat' })
const readinessSchema = z
  .object({
    status: text,
    checks: z.record(text, text),
    details: z.record(text, text).optional().meta({
      description: 'What makes nobody unready; `clock`: whether the clocks of this machine and the broker agree',
    }),
  })
  .meta({ id: 'Readiness' })

const description = { description: 'The document', schema: z.record(text, z.unknown()) }

export const serviceOperations = operationsOf('Service', {
  getHeartbeat: {
    method: 'get',
    path: '/heartbeat',
    scope: null,
    summary: 'Whether the service lives',
    answers: { 200: { description: 'It does', schema: heartbeatSchema } },
    problems: [],
  },
  getLiveness: {
    method: 'get',
    path: '/livez',
    scope: null,
    summary: 'For a liveness probe',
    answers: { 200: { description: 'It lives', schema: z.object({ status: z.literal('ok') }) } },
    problems: [],
  },
  getReadiness: {
    method: 'get',
    path: '/readyz',
    scope: null,
    summary: 'For a readiness probe',
    answers: {
      200: { description: 'It is ready', schema: readinessSchema },
      503: { description: 'It is not, and says why', schema: readinessSchema },
    },
    problems: [],
  },
  getMetrics: {
    method: 'get',
    path: '/metrics',
    scope: null,
    summary: 'Prometheus metrics of this replica',
    answers: { 200: { description: 'In the text format', schema: text, mediaType: 'text/plain' } },
    problems: [],
  },
  listProblems: {
    method: 'get',
    path: '/problems',
    scope: null,
    summary: 'Every error code',
    answers: { 200: { description: 'All of them', schema: problemsSchema } },
    problems: [],
  },
  explainProblem: {
    method: 'get',
    path: '/problems/{code}',
    scope: null,
    summary: "What an error's type leads to",
    answers: { 200: { description: 'The code', schema: problemExplainedSchema } },
    problems: ['not-found'],
  },
  getDescription: {
    method: 'get',
    path: '/openapi.json',
    scope: null,
    summary: 'This document, in OpenAPI 3.2',
    answers: { 200: description },
    problems: [],
  },
  getDescription31: {
    method: 'get',
    path: '/openapi-3.1.json',
    scope: null,
    summary: 'This document, in OpenAPI 3.1',
    answers: { 200: description },
    problems: [],
  },
  getDocs: {
    method: 'get',
    path: '/docs',
    scope: null,
    summary: 'This document, to read',
    answers: { 200: { description: 'A page', schema: text, mediaType: 'text/html' } },
    problems: [],
  },
})
