import { isDeepStrictEqual } from 'node:util'
import type { Json } from './record.ts'

/** JSON merge patch, RFC 7396: null removes a member, objects are merged, all else replaces. Nothing given is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Json = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The merge patch that makes of `before` what `after` is; a null in `after` cannot be told from nothing (RFC 7396). */
export function patchBetween(before: Json, after: Json): Json {
  const patch: Json = {}
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) patch[name] = null
  for (const [name, value] of Object.entries(after)) {
    const old = before[name]
    if (isDeepStrictEqual(old, value)) continue
    patch[name] = isObject(old) && isObject(value) ? patchBetween(old, value) : value
  }
  return patch
}
