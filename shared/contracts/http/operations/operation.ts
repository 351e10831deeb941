import type { z } from 'zod'
import type { ProblemCode } from '../problems.ts'
import type { Scope } from '../tokens.ts'

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

export interface RequestBody {
  schema: z.ZodType
  /** Media types besides JSON. Where there are any, the route reads the body itself. */
  mediaTypes?: Record<string, z.ZodType>
  /** No body at all is an empty object. */
  isOptional?: boolean
  /** Members and array items in all, where the usual limit does not fit. */
  membersMax?: number
}

/** One route. The router, the check of the token and the OpenAPI document are all made of this declaration. */
interface Declaration {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** With `{name}` for what varies. */
  path: string
  /** What a token must allow; `any` where each will do, null where none is needed. */
  scope: Scope | 'any' | null
  summary: string
  description?: string
  /** Absent: the route ignores its query. */
  query?: z.ZodObject
  headers?: z.ZodObject
  body?: RequestBody
  answers: Record<number, Answer>
  /** Error codes besides those that every route may answer. `code@status` where a route uses another status than the code's own. */
  problems: readonly (ProblemCode | `${ProblemCode}@${number}`)[]
}

type Tag = 'Jobs' | 'Requests' | 'Messages' | 'Events' | 'Types' | 'Schedules' | 'Workers' | 'Tokens' | 'Service'

export interface Operation extends Declaration {
  /** The operationId, and the name in generated clients. */
  id: string
  tag: Tag
}

type Named<Group extends Record<string, Declaration>> = { [Id in keyof Group]: Group[Id] & { id: string; tag: Tag } }

/** The operations of one tag; the name of each member is its operationId. */
export const operationsOf = <const Group extends Record<string, Declaration>>(tag: Tag, group: Group): Named<Group> =>
  Object.fromEntries(
    Object.entries(group).map(([id, declaration]) => [id, { ...declaration, id, tag }]),
  ) as unknown as Named<Group>
