import { isObject } from '../decide/merge-patch.ts'
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
  const { $value: target, ...others } = payload
  if (typeof target !== 'string' || Object.keys(others).length > 0)
    return Object.entries(payload).flatMap(([name, value]) => valueErrors(value, `${pointer}/${escape(name)}`, roots))
  if (roots.includes(target.split('/')[1] ?? '') && target.startsWith('/')) return []
  return [{ pointer: `${pointer}/$value`, detail: `must begin with ${roots.map((root) => `/${root}`).join(', ')}` }]
}

/** As a JSON pointer has it. */
const escape = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')
