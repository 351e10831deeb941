import type { z } from 'zod'

const KINDS: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

/** The unit that is counted for each type. */
const UNITS: Record<string, string> = { string: 'character', array: 'item' }

/**
 * Sentences about invalid values, which follow the name of a member: for `schema.safeParse(value, { error: zodMessages
 * })`. A schema's own message takes precedence.
 */
export const zodMessages: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${kindOf(issue.expected)}`
    case 'too_small':
      return `must ${amount('at least', Number(issue.minimum), issue.origin)}`
    case 'too_big':
      return `must ${amount('at most', Number(issue.maximum), issue.origin)}`
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`
    case 'invalid_format':
      if (issue.format === 'datetime') return 'must be an RFC 3339 time, such as 2026-11-22T18:00:00Z'
      return issue.format === 'regex' ? `must match ${issue.pattern ?? ''}` : undefined
    case 'invalid_union':
      return aboutUnion(issue)
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return undefined
  }
}

/** Says what a choice allows, where each branch says what it wants the value to be. */
function aboutUnion({ input, errors, ...issue }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string {
  if (input === undefined) return 'is missing'
  // Where a member decides between the branches, it is the one that is told of.
  if ('options' in issue && Array.isArray(issue.options)) return `must be ${oneOf(issue.options)}`
  const wanted = errors.map((branch) => /^must be (?<what>.*)$/s.exec(wholeOf(branch)))
  if (wanted.includes(null)) return 'has none of the allowed forms'
  const kinds = [...new Set(wanted.map((match) => match?.groups?.['what'] ?? ''))]
  const last = kinds.pop()
  return `must be ${kinds.length === 0 ? last : `${kinds.join(', ')} or ${last}`}`
}

/** Finds what a branch says about the value as a whole. */
const wholeOf = (branch: z.core.$ZodIssue[]): string => branch.find(({ path }) => path.length === 0)?.message ?? ''

/** `be at least 3`, `have at most 1 item`. */
function amount(bound: 'at least' | 'at most', count: number, origin: string): string {
  const unit = UNITS[origin]
  return unit === undefined ? `be ${bound} ${count}` : `have ${bound} ${countOf(count, unit)}`
}

/** `a whole number`, for `integer`. */
export const kindOf = (type: string): string => KINDS[type] ?? type

/** `one of a, b`, or the only value. */
export const oneOf = (values: readonly unknown[]): string =>
  `${values.length > 1 ? 'one of ' : ''}${values.map(textOfValue).join(', ')}`

const textOfValue = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')

/** `1 item`, `2 items`. */
export const countOf = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`
