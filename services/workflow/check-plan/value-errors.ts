import { escapeToken } from '#shared/formats/json-pointer.ts'
import { isObject } from '../decide/merge-patch.ts'
import { pointerOf } from '../decide/values.ts'
import type { PlanError } from './plan-errors.ts'

/**
 * What is wrong with the `{"$value": pointer}`s of a payload: only where they point, because what is there is known
 * when the job is made.
 * @param pointer of the payload in the plan
 * @param roots what there is to point into, as `params`
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
