import type { z } from 'zod'
import type { ProblemCode } from '../problems.ts'
import type { Scope } from '../tokens.ts'

export interface Answer {
  description: string
  /** null: no body. */
  schema: z.ZodType | null
  /** The media type, if it is not application/json. */
  mediaType?: string
  /** The answer may also be a stream of server-sent events, whose data is this component of the document. */
  events?: string
  headers?: z.ZodObject
}

export interface RequestBody {
  schema: z.ZodType
  /** Media types besides JSON. If there are any, the route reads the body itself. */
  mediaTypes?: Record<string, z.ZodType>
  /** A missing body counts as an empty object. */
  isOptional?: boolean
  /** Limit of members and array items, where the usual one does not fit. */
  membersMax?: number
}

/** One route. The router, the check of the token and the OpenAPI document are all made of this declaration. */
interface Declaration {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** The path, with `{name}` for its variable parts. */
  path: string
  /** The scope that a token needs; `any` where each scope will do, null where no token is needed. */
  scope: Scope | 'any' | null
  summary: string
  description?: string
  /** Absent: the route ignores its query. */
  query?: z.ZodObject
  headers?: z.ZodObject
  body?: RequestBody
  answers: Record<number, Answer>
  /**
   * Error codes besides those that every route may answer. `code@status` where a route uses a status other than the
   * code's own.
   */
  problems: readonly (ProblemCode | `${ProblemCode}@${number}`)[]
}

type Tag =
  | 'Jobs'
  | 'Requests'
  | 'Messages'
  | 'Events'
  | 'Overview'
  | 'Types'
  | 'Schedules'
  | 'Workers'
  | 'Work'
  | 'Tokens'
  | 'Service'

export interface Operation extends Declaration {
  /** The operationId, and the name in generated clients. */
  id: string
  tag: Tag
}

type Named<Group extends Record<string, Declaration>> = { [Id in keyof Group]: Group[Id] & { id: string; tag: Tag } }

/** The operations of one tag; each member's name is its operationId. */
export const operationsOf = <const Group extends Record<string, Declaration>>(tag: Tag, group: Group): Named<Group> =>
  Object.fromEntries(
    Object.entries(group).map(([id, declaration]) => [id, { ...declaration, id, tag }]),
  ) as unknown as Named<Group>
