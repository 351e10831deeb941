import { z } from 'zod'
import { problemExplainedSchema, problemsSchema } from '#shared/contracts/http/problems.ts'
import type { Operation } from '../operation.ts'

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

export const serviceOperations: Operation[] = [
  {
    method: 'get',
    path: '/heartbeat',
    id: 'getHeartbeat',
    tag: 'Service',
    summary: 'Whether the service lives',
    answers: { 200: { description: 'It does', schema: heartbeatSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/livez',
    id: 'getLiveness',
    tag: 'Service',
    summary: 'For a liveness probe',
    answers: { 200: { description: 'It lives', schema: z.object({ status: z.literal('ok') }) } },
    problems: [],
  },
  {
    method: 'get',
    path: '/readyz',
    id: 'getReadiness',
    tag: 'Service',
    summary: 'For a readiness probe',
    answers: {
      200: { description: 'It is ready', schema: readinessSchema },
      503: { description: 'It is not, and says why', schema: readinessSchema },
    },
    problems: [],
  },
  {
    method: 'get',
    path: '/metrics',
    id: 'getMetrics',
    tag: 'Service',
    summary: 'Prometheus metrics of this replica',
    answers: { 200: { description: 'In the text format', schema: text, mediaType: 'text/plain' } },
    problems: [],
  },
  {
    method: 'get',
    path: '/problems',
    id: 'listProblems',
    tag: 'Service',
    summary: 'Every error code',
    answers: { 200: { description: 'All of them', schema: problemsSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/problems/{code}',
    id: 'explainProblem',
    tag: 'Service',
    summary: "What an error's type leads to",
    answers: { 200: { description: 'The code', schema: problemExplainedSchema } },
    problems: ['not-found'],
  },
  ...(['/openapi.json', '/openapi-3.1.json'] as const).map(
    (path): Operation => ({
      method: 'get',
      path,
      id: path === '/openapi.json' ? 'getDescription' : 'getDescription31',
      tag: 'Service',
      summary: `This document, in OpenAPI ${path === '/openapi.json' ? '3.2' : '3.1'}`,
      answers: { 200: { description: 'The document', schema: z.record(text, z.unknown()) } },
      problems: [],
    }),
  ),
  {
    method: 'get',
    path: '/docs',
    id: 'getDocs',
    tag: 'Service',
    summary: 'This document, to read',
    answers: { 200: { description: 'A page', schema: text, mediaType: 'text/html' } },
    problems: [],
  },
]
