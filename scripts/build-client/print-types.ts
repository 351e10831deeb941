import type { z } from 'zod'

/** The part of JSON Schema that the contracts use. */
interface Described {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Described[]
  properties?: Record<string, Described>
  required?: string[]
  additionalProperties?: boolean | Described
  propertyNames?: Described
  items?: Described
  description?: string
}

/** One exported TypeScript type for each schema; the schemas that they refer to must be among them. */
export function printTypes(schemas: Record<string, z.core.JSONSchema.BaseSchema>): string {
  const types = Object.entries(schemas).map(([name, schema]) => {
    const described = schema as Described
    for (const [, ref = ''] of JSON.stringify(schema).matchAll(/"\$ref":"([^"]*)"/g)) {
      if (!(ref in schemas)) throw new Error(`${name} refers to ${ref}, which is not printed`)
    }
    return `${comment(described, '')}export type ${name} = ${typeOf(described, '')}\n`
  })
  return types.join('\n')
}

/** @throws Error for a schema that cannot be printed yet: silence would mean a wrong type */
function typeOf(schema: Described, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref
  if (schema.anyOf !== undefined) return schema.anyOf.map((each) => typeOf(each, indent)).join(' | ')
  if (schema.const !== undefined) return literal(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ')
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, indent)).join(' | ')
  switch (schema.type) {
    case undefined:
      return 'unknown'
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type
    case 'integer':
    case 'number':
      return 'number'
    case 'array': {
      const item = typeOf(schema.items ?? {}, indent)
      return item.includes('|') ? `(${item})[]` : `${item}[]`
    }
    case 'object':
      return objectType(schema, indent)
    default:
      throw new Error(`no type for the schema ${JSON.stringify(schema)}`)
  }
}

function objectType(schema: Described, indent: string): string {
  const { properties, additionalProperties: others, propertyNames, required = [] } = schema
  if (properties === undefined) {
    const values = typeof others === 'object' ? typeOf(others, indent) : 'unknown'
    const names = propertyNames === undefined ? 'string' : typeOf(propertyNames, indent)
    // A record with known names has them all, or the schema requires none.
    const record = `Record<${names}, ${values}>`
    return names === 'string' || required.length > 0 ? record : `Partial<${record}>`
  }
  const inner = `${indent}  `
  const members = Object.entries(properties).map(([name, member]) => {
    const isOptional = !required.includes(name)
    const type = typeOf(member, inner)
    return `${comment(member, inner)}${inner}${name}${isOptional ? '?' : ''}: ${type}${addUndefined(member, isOptional)}\n`
  })
  const index = typeof others === 'object' || others === true ? `${inner}[name: string]: unknown\n` : ''
  return `{\n${members.join('')}${index}${indent}}`
}

const isAny = (schema: Described): boolean => Object.keys(schema).every((key) => key === 'description')

/** Adds undefined to optional members, as zod does. */
const addUndefined = (schema: Described, isOptional: boolean): string =>
  isOptional && !isAny(schema) ? ' | undefined' : ''

const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value))

const comment = ({ description }: Described, indent: string): string =>
  description === undefined ? '' : `${indent}/** ${description} */\n`
