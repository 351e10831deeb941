// A form from the part of JSON Schema that most types use: an object whose members are texts, numbers, choices and
// switches. Whatever else a schema says is written as JSON.

export interface FormField {
  name: string
  kind: 'text' | 'number' | 'choice' | 'switch' | 'json'
  isRequired: boolean
  hint: string
  choices: unknown[]
  initial: unknown
  /** What may stand in it: its initial value, or JSON of its form. */
  example: string
}

type Schema = Record<string, unknown>

/** The fields of an object's schema; null where only JSON fits it. */
export function fieldsOf(schema: Schema | null): FormField[] | null {
  const { properties, required } = schema ?? {}
  if (typeof properties !== 'object' || properties === null) return null
  const names = Array.isArray(required) ? (required as unknown[]) : []
  return Object.entries(properties as Record<string, Schema | boolean>).map(([name, member]) => {
    const rules = typeof member === 'object' ? member : {}
    return {
      name,
      kind: kindOf(rules),
      isRequired: names.includes(name),
      hint: hintOf(rules),
      choices: Array.isArray(rules['enum']) ? (rules['enum'] as unknown[]) : [],
      initial: rules['default'],
      example: exampleOf(rules),
    }
  })
}

function kindOf({ type, enum: choices }: Schema): FormField['kind'] {
  if (Array.isArray(choices)) return 'choice'
  if (type === 'string') return 'text'
  if (type === 'integer' || type === 'number') return 'number'
  return type === 'boolean' ? 'switch' : 'json'
}

function exampleOf(rules: Schema): string {
  if (rules['default'] !== undefined) return JSON.stringify(rules['default'])
  if (kindOf(rules) !== 'json') return ''
  if (Array.isArray(rules['examples']) && rules['examples'].length > 0) return JSON.stringify(rules['examples'][0])
  if (rules['type'] === 'object') return '{"name": "value"}'
  const { type } = (rules['items'] ?? {}) as Schema
  return type === 'string' ? '["a", "b"]' : type === 'object' ? '[{"name": "value"}]' : '[1, 2, 3]'
}

const hintOf = ({ description, minimum, maximum, format }: Schema): string =>
  [description, limit('from', minimum), limit('up to', maximum), format]
    .filter((part): part is string => typeof part === 'string')
    .join(', ')

/** Every whole number has the limits of what a double can hold: nobody needs to be told. */
const limit = (word: string, value: unknown): string | null =>
  typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER ? `${word} ${value}` : null

/** The value that was typed into a field; undefined: left out. @throws SyntaxError for what is no JSON */
export function valueOf({ kind }: FormField, text: string): unknown {
  if (text === '') return undefined
  if (kind === 'text') return text
  if (kind === 'number') return Number(text)
  return kind === 'switch' ? text === 'true' : (JSON.parse(text) as unknown)
}

/** How a value stands in its field. */
export const textOfValue = ({ kind }: FormField, value: unknown): string =>
  value === undefined ? '' : kind === 'text' && typeof value === 'string' ? value : JSON.stringify(value)
