import { isDeepStrictEqual } from 'node:util'
import type { When } from '#shared/contracts/request.ts'
import type { Json } from './record.ts'

/** What pointers of a plan point into. */
export interface Values {
  params: Json
  extras: Json
  /** Of a foreach. */
  item?: unknown
  /** For what undoes a job: what that job returned. */
  result?: unknown
}

/** The value at an RFC 6901 pointer; undefined where there is none. */
export function valueAt(values: Values, pointer: string): unknown {
  const names = pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  let value: unknown = values
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Json)[name]
  }
  return value
}

export function holds(values: Values, when: When | undefined): boolean {
  if (when === undefined) return true
  const value = valueAt(values, when.value)
  const isSo =
    when.equals === undefined
      ? value !== undefined && value !== null && value !== false
      : isDeepStrictEqual(value, when.equals)
  return isSo !== when.not
}
