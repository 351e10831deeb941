import { z } from 'zod'
import {
  type CreateDocumentOptions,
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi'
import { OPERATIONS } from '#shared/contracts/http/operations/all-operations.ts'
import type { Answer, Operation } from '#shared/contracts/http/operations/operation.ts'
import { PROBLEMS, type ProblemCode, problemSchema } from '#shared/contracts/http/problems.ts'

/** Errors that any request may get, from the service itself or from the proxy before it. */
const OF_EVERY_ROUTE: ProblemCode[] = [
  'malformed-request',
  'invalid-request',
  'unknown-member',
  'not-found',
  'method-not-allowed',
  'not-acceptable',
  'request-timeout',
  'uri-too-long',
  'expectation-failed',
  'rate-limited',
  'headers-too-large',
  'not-implemented',
  'cannot-store',
  'unavailable',
]
const OF_EVERY_TOKEN: ProblemCode[] = ['token-required', 'invalid-token', 'insufficient-scope']
const OF_EVERY_BODY: ProblemCode[] = [
  'malformed-json',
  'invalid-unicode',
  'duplicate-member',
  'forbidden-member',
  'number-out-of-range',
  'too-deep',
  'too-many-members',
  'payload-too-large',
  'unsupported-media-type',
]

/**
 * The OpenAPI document, generated from the schemas that the routes themselves use.
 * @param openapi 3.2 describes event streams; 3.1 is for older tools, which see them as text
 */
export function describeApi(openapi: '3.2.0' | '3.1.1', version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationObject(operation, openapi) }
  }
  const document = createDocument(
    {
      openapi,
      info: {
        title: 'Hasty',
        version,
        description: 'Send a job over plain HTTP, never lose it, and always get an honest answer about it.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [...new Set(OPERATIONS.map(({ tag }) => tag))].map((name) => ({ name })),
      paths,
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Where AUTH is `required`' },
        },
      },
    },
    { override: simplify },
  )
  return document as unknown as Record<string, unknown>
}

/** Removes limits that a reader of an answer must not rely on, and patterns that a format implies. */
const simplify: NonNullable<CreateDocumentOptions['override']> = ({ jsonSchema, io }) => {
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  // Answers may get further members later.
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
}

function operationObject(operation: Operation, openapi: string): ZodOpenApiOperationObject {
  const { body, scope } = operation
  return {
    operationId: operation.id,
    // In order of preference: without a token where none is required.
    security: scope === null ? [] : [{ token: scope === 'any' ? [] : [scope] }, {}],
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    requestParams: {
      ...pathParameters(operation.path),
      ...(operation.query === undefined ? {} : { query: operation.query }),
      ...(operation.headers === undefined ? {} : { header: operation.headers }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.isOptional !== true,
            content: {
              'application/json': { schema: body.schema },
              ...Object.fromEntries(Object.entries(body.mediaTypes ?? {}).map(([type, schema]) => [type, { schema }])),
            },
          },
        }),
    responses: responsesOf(operation, openapi),
  }
}

function pathParameters(path: string): { path?: z.ZodObject } {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  if (names.length === 0) return {}
  return { path: z.object(Object.fromEntries(names.map((name) => [name, z.string().min(1)]))) }
}

function responsesOf(
  operation: Operation,
  openapi: string,
): Record<`${1 | 2 | 3 | 4 | 5}${string}`, ZodOpenApiResponseObject> {
  const responses: Record<string, ZodOpenApiResponseObject> = {}
  const codes = [
    ...OF_EVERY_ROUTE,
    ...(operation.scope === null ? [] : OF_EVERY_TOKEN),
    ...(operation.body === undefined ? [] : OF_EVERY_BODY),
    ...operation.problems,
  ]
  for (const [status, explained] of byStatus(codes)) {
    responses[status] = {
      description: explained.join('\n'),
      content: { 'application/problem+json': { schema: problemSchema } },
    }
  }
  for (const [status, answer] of Object.entries(operation.answers)) {
    const response = responseOf(answer, openapi)
    // A probe's 503 has a body of its own.
    responses[status] = { ...response, content: { ...responses[status]?.content, ...response.content } }
  }
  return responses
}

function byStatus(codes: Operation['problems']): Map<string, string[]> {
  const statuses = new Map<string, string[]>()
  for (const each of new Set(codes)) {
    const [code, status] = each.split('@') as [ProblemCode, string | undefined]
    const key = status ?? String(PROBLEMS[code].status)
    statuses.set(key, [...(statuses.get(key) ?? []), `- \`${code}\`: ${PROBLEMS[code].title}`])
  }
  return statuses
}

function responseOf(answer: Answer, openapi: string): ZodOpenApiResponseObject {
  const { description, schema, events, headers } = answer
  if (schema === null) return { description }
  return {
    description,
    ...(headers === undefined ? {} : { headers }),
    content: {
      [answer.mediaType ?? 'application/json']: { schema },
      ...(events === undefined ? {} : { 'text/event-stream': eventStream(events, openapi) }),
    },
  }
}

/** The schema of an event stream: 3.2 describes each event, 3.1 only the whole text. */
const eventStream = (data: string, openapi: string) =>
  openapi.startsWith('3.2') ? { itemSchema: streamedEvent(data) } : { schema: z.string() }

const streamedEvent = (data: string) =>
  z.object({
    id: z.string().optional(),
    event: z.string().optional(),
    retry: z.int().optional(),
    data: z
      .string()
      .optional()
      .meta({
        override: {
          contentMediaType: 'application/json',
          contentSchema: { $ref: `#/components/schemas/${data}` },
        },
      }),
  })
