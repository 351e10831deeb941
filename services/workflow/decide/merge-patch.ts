import { isDeepStrictEqual } from 'node:util'
import type { Json } from './record.ts'

/**
 * JSON merge patch, RFC 7396: null removes a member, objects are merged, everything else replaces. The arguments are
 * not changed.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Json = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else setMember(merged, name, mergePatch(Object.hasOwn(merged, name) ? merged[name] : undefined, value))
  }
  return merged
}

/** Sets a member of any name: a job's result may have one called `__proto__`, which an assignment would lose. */
function setMember(object: Json, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The merge patch that turns `before` into `after`; a null in `after` cannot be told from an absent member (RFC 7396).
 */
export function patchBetween(before: Json, after: Json): Json {
  const patch: Json = {}
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) patch[name] = null
  for (const [name, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (isDeepStrictEqual(old, value)) continue
    setMember(patch, name, isObject(old) && isObject(value) ? patchBetween(old, value) : value)
  }
  return patch
}
