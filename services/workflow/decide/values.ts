import { isDeepStrictEqual } from 'node:util'
import type { When } from '#shared/contracts/http/requests.ts'
import { valueAt } from '#shared/formats/json-pointer.ts'
import type { Json } from './record.ts'

/** The values that pointers of a plan may point into. */
export interface Values {
  params: Json
  extras: Json
  /** The item of a foreach. */
  item?: unknown
  /** For an undo job: the result of the job to be undone. */
  result?: unknown
}

/** The pointer of `{"$value": "/extras/pages"}`; null for any other payload. */
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
