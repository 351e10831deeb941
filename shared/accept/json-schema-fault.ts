import type { ErrorObject } from 'ajv'
import type { z } from 'zod'
import { countOf, kindOf, oneOf } from '#shared/errors/zod-messages.ts'
import { readPointer } from '#shared/formats/json-pointer.ts'

type Fault = Exclude<Parameters<z.RefinementCtx['addIssue']>[0], string>

/** What ajv tells about a fault; which members there are depends on the keyword. */
interface Params extends Record<string, unknown> {
  missingProperty?: string
  additionalProperty?: string
  unevaluatedProperty?: string
}

/** Sentences about invalid values, which follow the name of a member, by the keyword of JSON Schema that they fail. */
const SENTENCES: Record<string, (params: Params) => string> = {
  type: ({ type }) => `must be ${[type].flat().map(String).map(kindOf).join(' or ')}`,
  enum: ({ allowedValues }) => `must be ${oneOf(allowedValues as unknown[])}`,
  const: ({ allowedValue }) => `must be ${oneOf([allowedValue])}`,
  minimum: ({ limit }) => `must be at least ${String(limit)}`,
  maximum: ({ limit }) => `must be at most ${String(limit)}`,
  exclusiveMinimum: ({ limit }) => `must be greater than ${String(limit)}`,
  exclusiveMaximum: ({ limit }) => `must be less than ${String(limit)}`,
  minLength: ({ limit }) => `must have at least ${countOf(Number(limit), 'character')}`,
  maxLength: ({ limit }) => `must have at most ${countOf(Number(limit), 'character')}`,
  minItems: ({ limit }) => `must have at least ${countOf(Number(limit), 'item')}`,
  maxItems: ({ limit }) => `must have at most ${countOf(Number(limit), 'item')}`,
  minProperties: ({ limit }) => `must have at least ${countOf(Number(limit), 'member')}`,
  maxProperties: ({ limit }) => `must have at most ${countOf(Number(limit), 'member')}`,
  pattern: ({ pattern }) => `must match /${String(pattern)}/`,
  anyOf: () => 'has none of the allowed forms',
  oneOf: () => 'must have exactly one of the allowed forms',
  not: () => 'has a form that is not allowed',
}

/** More would not be shown. */
const MAX_READ = 200

/**
 * What a JSON Schema complains about, as issues of zod. Of a choice (`anyOf`, `oneOf`) all branches complain: where the
 * value has the type of one of them alone, what that one says is told, else only that none fits.
 */
export function describeFaults(all: ErrorObject[]): Fault[] {
  const errors = all.slice(0, MAX_READ)
  const choices = errors.filter(isChoice).map((error) => ({ ...error, branch: meantBranch(error, errors) }))
  const isHidden = (error: ErrorObject): boolean =>
    choices.some((choice) =>
      isBelow(error, choice)
        ? choice.branch === null || !error.schemaPath.startsWith(choice.branch)
        : choice.branch !== null && isSame(error, choice),
    )
  return errors.filter((error) => !isHidden(error)).map(describeFault)
}

type Place = Pick<ErrorObject, 'schemaPath' | 'instancePath'>

const isChoice = ({ keyword }: ErrorObject): boolean => keyword === 'anyOf' || keyword === 'oneOf'

const isSame = (one: Place, other: Place): boolean =>
  one.schemaPath === other.schemaPath && one.instancePath === other.instancePath

const isBelow = (one: Place, other: Place): boolean =>
  one.schemaPath.startsWith(`${other.schemaPath}/`) && `${one.instancePath}/`.startsWith(`${other.instancePath}/`)

/** The start of the schema paths of the only branch whose type the value has; null where there is not one. */
function meantBranch(choice: ErrorObject, errors: ErrorObject[]): string | null {
  const ofType = new Map<string, boolean>()
  for (const error of errors.filter((one) => isBelow(one, choice))) {
    const branch = error.schemaPath.slice(0, error.schemaPath.indexOf('/', choice.schemaPath.length + 1) + 1)
    const isOther = ['type', 'const', 'enum'].includes(error.keyword) && error.instancePath === choice.instancePath
    ofType.set(branch, (ofType.get(branch) ?? true) && !isOther)
  }
  const meant = [...ofType].filter(([, isOfType]) => isOfType)
  return meant.length === 1 ? (meant[0]?.[0] ?? null) : null
}

function describeFault({ keyword, instancePath, message = 'is not valid', ...error }: ErrorObject): Fault {
  const path = readPointer(instancePath)
  const params = error.params as Params
  if (params.missingProperty !== undefined && keyword === 'required')
    return { code: 'custom', path: [...path, params.missingProperty], message: 'is missing' }
  const unknown = params.additionalProperty ?? params.unevaluatedProperty
  if (unknown === undefined) return { code: 'custom', path, message: SENTENCES[keyword]?.(params) ?? message }
  return { code: 'unrecognized_keys', path, keys: [unknown] }
}
