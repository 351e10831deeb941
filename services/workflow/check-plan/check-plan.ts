import {
  type CreateRequestBody,
  EXTRAS_MAX_BYTES,
  PARAMS_MAX_BYTES,
  type PlanStep,
} from '#shared/contracts/http/requests.ts'
import { type PlanError, refusePlan } from './plan-errors.ts'
import { shapeErrors, sizeErrors } from './shape-errors.ts'
import { type PlanOwner, type WorkErrorsDeps, workErrors } from './work-errors.ts'

export type CheckPlanDeps = WorkErrorsDeps

/**
 * Checks that a plan can be carried out, as far as that can be known before it begins.
 * @throws AppError `invalid-plan` with pointers that begin at /steps; `unavailable`
 */
export async function checkPlan(deps: CheckPlanDeps, owner: PlanOwner, plan: PlanStep[]): Promise<void> {
  refusePlan(sizeErrors(plan))
  refusePlan([...shapeErrors(plan), ...(await workErrors(deps, owner, plan))])
}

/** Checks the size of values that are sent with every call of a service. @throws AppError `invalid-plan` */
export function checkValues({ params, extras }: Pick<CreateRequestBody, 'params' | 'extras'>): void {
  refusePlan([...tooLarge('/params', params, PARAMS_MAX_BYTES), ...tooLarge('/extras', extras, EXTRAS_MAX_BYTES)])
}

const tooLarge = (pointer: string, value: unknown, maxBytes: number): PlanError[] =>
  Buffer.byteLength(JSON.stringify(value)) <= maxBytes
    ? []
    : [{ pointer, detail: `may have at most ${maxBytes} bytes` }]
