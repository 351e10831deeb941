import type { z } from 'zod'
import type { ProblemCode } from '#shared/contracts/http/problems.ts'

export interface Answer {
  description: string
  /** null: no body. */
  schema: z.ZodType | null
  /** Instead of application/json. */
  mediaType?: string
  /** Server-sent events whose data is this component of the document, beside the JSON. */
  events?: string
  headers?: z.ZodObject
}

/** One route, as the OpenAPI document tells it. Schemas are those that the route itself uses. */
export interface Operation {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** With `{name}` for what varies. */
  path: string
  /** The operationId, and the name in generated clients. */
  id: string
  tag: 'Jobs' | 'Requests' | 'Messages' | 'Events' | 'Types' | 'Schedules' | 'Workers' | 'Tokens' | 'Service'
  summary: string
  description?: string
  query?: z.ZodObject
  headers?: z.ZodObject
  body?: { schema: z.ZodType; mediaTypes?: Record<string, z.ZodType>; optional?: boolean }
  answers: Record<number, Answer>
  /** Besides those that every route may answer. `code@status` where a route uses another status than the code's own. */
  problems: (ProblemCode | `${ProblemCode}@${number}`)[]
}
