import type { z } from 'zod'

const KINDS: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
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
      return issue.input === undefined ? 'is missing' : `must be ${KINDS[issue.expected] ?? issue.expected}`
    case 'too_small':
      return `must ${amount('at least', Number(issue.minimum), issue.origin)}`
    case 'too_big':
      return `must ${amount('at most', Number(issue.maximum), issue.origin)}`
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
    case 'invalid_format':
      if (issue.format === 'datetime') return 'must be an RFC 3339 time, such as 2026-11-22T18:00:00Z'
      return issue.format === 'regex' ? `must match ${issue.pattern ?? ''}` : undefined
    case 'custom':
    case 'invalid_element':
    case 'invalid_key':
    case 'invalid_union':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return undefined
  }
}

/** `be at least 3`, `have at most 1 item`. */
function amount(bound: 'at least' | 'at most', count: number, origin: string): string {
  const unit = UNITS[origin]
  return unit === undefined ? `be ${bound} ${count}` : `have ${bound} ${count} ${unit}${count === 1 ? '' : 's'}`
}
