import { escapeToken } from '#shared/formats/json-pointer.ts'
import { isObject } from '../decide/merge-patch.ts'
import { pointerOf } from '../decide/values.ts'
import type { PlanError } from './plan-errors.ts'

/**
 * Faults of the `{"$value": pointer}`s of a payload: only of where they point, because the values are known only when
 * the job is created.
 * @param pointer the payload's place in the plan
 * @param roots names that a pointer may begin with, such as `params`
 */
export function valueErrors(payload: unknown, pointer: string, roots: readonly string[]): PlanError[] {
  if (Array.isArray(payload)) return payload.flatMap((each, n) => valueErrors(each, `${pointer}/${n}`, roots))
  if (!isObject(payload)) return []
  const target = pointerOf(payload)
  if (target === null)
    return Object.entries(payload).flatMap(([name, value]) =>
      valueErrors(value, `${pointer}/${escapeToken(name)}`, roots),
    )
  if (roots.includes(target.split('/')[1] ?? '') && target.startsWith('/')) return []
  return [{ pointer: `${pointer}/$value`, detail: `must begin with ${roots.map((root) => `/${root}`).join(', ')}` }]
}
