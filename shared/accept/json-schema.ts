import { createRequire } from 'node:module'
import type { Ajv, Options, ValidateFunction } from 'ajv'
import type { FormatsPlugin } from 'ajv-formats'
import { z } from 'zod'
import { describeFaults } from './json-schema-fault.ts'

export type JsonSchema = Record<string, unknown>

const NEWEST = 'https://json-schema.org/draft/2020-12/schema'
/** The modules and classes of ajv by draft. */
const DRAFTS = [
  { uri: /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, module: 'ajv/dist/2020.js', name: 'Ajv2020' },
  { uri: /^https:\/\/json-schema\.org\/draft\/2019-09\/schema#?$/, module: 'ajv/dist/2019.js', name: 'Ajv2019' },
  { uri: /^http:\/\/json-schema\.org\/(draft-07\/)?schema#?$/, module: 'ajv', name: 'Ajv' },
]
type Draft = (typeof DRAFTS)[number]

const OPTIONS: Options = {
  allErrors: true,
  ownProperties: true,
  // As JSON Schema has it: unknown keywords and formats are remarks.
  strict: false,
  logger: false,
  addUsedSchema: false,
  code: { regExp: Object.assign(toRegExp, { code: 'new RegExp' }) },
}

export interface FromJsonSchemaOptions {
  /** Whether missing members get the defaults of the schema, in the value itself. */
  fillDefaults?: boolean
}

/** The JSON Schemas that zod schemas were made from. */
const origins = new WeakMap<z.ZodType, JsonSchema>()

/**
 * A zod schema that accepts what a JSON Schema (2020-12, 2019-09 or draft-07) accepts. Zod's own reader ignores keywords
 * that have no counterpart in zod, such as `required` without `properties`.
 * @throws Error for a schema that is faulty, follows another draft or refers to a document elsewhere
 */
export function fromJsonSchema(schema: JsonSchema, { fillDefaults = false }: FromJsonSchemaOptions = {}): z.ZodType {
  const validate = compile(schema, fillDefaults)
  const made = z.unknown().superRefine((value, context) => {
    if (validate(value)) return
    for (const fault of describeFaults(validate.errors ?? [])) context.addIssue(fault)
  })
  origins.set(made, schema)
  return made
}

/** The JSON Schema of what a zod schema accepts. @throws Error for a schema that JSON Schema cannot express */
export const toJsonSchema = (schema: z.ZodType): JsonSchema =>
  origins.get(schema) ?? (z.toJSONSchema(schema, { io: 'input' }) as JsonSchema)

function compile({ $schema: uri = NEWEST, ...schema }: JsonSchema, fillDefaults: boolean): ValidateFunction {
  const draft = DRAFTS.find((one) => one.uri.test(String(uri)))
  if (draft === undefined) throw new Error(`$schema must be ${NEWEST}, 2019-09 or draft-07`)
  if ('$async' in schema) throw new Error('$async is not a keyword of JSON Schema')
  const compiler = compilerOf(draft, fillDefaults)
  try {
    return compiler.compile(schema)
  } finally {
    compiler.removeSchema(schema)
  }
}

/** Compilers by draft: one for each schema would cost milliseconds each. */
const compilers = { filling: new Map<Draft, Ajv>(), checking: new Map<Draft, Ajv>() }

function compilerOf(draft: Draft, useDefaults: boolean): Ajv {
  const made = useDefaults ? compilers.filling : compilers.checking
  const known = made.get(draft)
  if (known !== undefined) return known
  const compiler = loadCompiler(draft, { ...OPTIONS, useDefaults })
  made.set(draft, compiler)
  return compiler
}

/** Loads ajv where it is needed first: it takes as long as a tenth of a service's start. */
function loadCompiler({ module, name }: Draft, options: Options): Ajv {
  const load = createRequire(import.meta.url)
  const { [name]: Compiler } = load(module) as Record<string, typeof Ajv>
  if (Compiler === undefined) throw new Error(`${module} has no ${name}`)
  const compiler = new Compiler(options)
  const { default: addFormats } = load('ajv-formats') as { default: FormatsPlugin }
  addFormats(compiler)
  return compiler
}

/** With `u`, as JSON Schema wants it, unless only the older grammar reads the pattern. */
function toRegExp(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags)
  } catch {
    return new RegExp(pattern)
  }
}
