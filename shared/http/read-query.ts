import type { z } from 'zod'
import { AppError, detailAbout } from '#shared/errors/app-error.ts'
import { issuesOf } from '#shared/errors/zod-issues.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'

const MAX_SHOWN = 20

/**
 * The parameters of an address, parsed by their schema. A repeated parameter is an array.
 * @throws AppError `unknown-member` where only names are unknown, else `invalid-request`
 */
export function readQuery<T extends z.ZodType>(ctx: { query: unknown }, schema: T): z.output<T> {
  const parsed = schema.safeParse(withConditions(ctx.query, schema), { error: zodMessages })
  if (parsed.success) return parsed.data
  const issues = issuesOf(parsed.error)
  const errors = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => aboutParameter(key, 'is not a known parameter'))
      : [aboutParameter(String(issue.path[0]), issue.message)],
  )
  const onlyUnknown = issues.every((issue) => issue.code === 'unrecognized_keys')
  throw badParameters(errors, onlyUnknown ? 'unknown-member' : 'invalid-request')
}

/**
 * Parameters such as `payload/customer=42`, or `payload[/customer]=42`, as members of one, where the schema has it: names
 * that hold a JSON pointer cannot be listed by a schema.
 */
function withConditions(query: unknown, schema: z.ZodType): unknown {
  const { shape } = schema as { shape?: Record<string, unknown> }
  if (shape === undefined || !('payload' in shape) || typeof query !== 'object' || query === null) return query
  const others: [string, unknown][] = []
  const conditions: [string, unknown][] = []
  for (const [name, value] of Object.entries(query)) {
    const [, slashed, bracketed] = CONDITION.exec(name) ?? []
    if (slashed === undefined && bracketed === undefined) others.push([name, value])
    else conditions.push([slashed ?? bracketed ?? '', value])
  }
  return conditions.length === 0 ? query : { ...Object.fromEntries(others), payload: Object.fromEntries(conditions) }
}

const CONDITION = /^payload(?:((?:\/.*)?)|\[(.*)\])$/s

interface ParameterError {
  parameter: string
  detail: string
}

const aboutParameter = (name: string, detail: string): ParameterError => ({
  parameter: name.slice(0, 60),
  detail: detail.slice(0, 200),
})

export const badParameters = (
  errors: ParameterError[],
  code: 'invalid-request' | 'unknown-member' = 'invalid-request',
): AppError =>
  new AppError(code, detailAbout(errors[0]?.parameter ?? 'The query', errors[0]?.detail ?? 'is not valid'), {
    members: { errors: errors.slice(0, MAX_SHOWN) },
  })
