import { isDeepStrictEqual } from 'node:util'
import type { When } from '#shared/contracts/http/requests.ts'
import { valueAt } from '#shared/formats/json-pointer.ts'
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

/** Where `{"$value": "/extras/pages"}` points; null: it is no such thing, but a value of its own. */
export function pointerOf(payload: Json): string | null {
  const { $value: pointer, ...others } = payload
  return typeof pointer === 'string' && Object.keys(others).length === 0 ? pointer : null
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
