import { AppError, detailAbout } from '#shared/errors/app-error.ts'

/** What is wrong with a plan, and where in the body that has it: RFC 6901. */
export interface PlanError {
  pointer: string
  detail: string
}

const MAX_SHOWN = 20

/** @throws AppError `invalid-plan` where there are errors */
export function refusePlan(errors: PlanError[]): void {
  const [first, ...others] = errors
  if (first !== undefined) throw invalidPlan(first, ...others)
}

/** With the first of what is wrong. */
export const invalidPlan = (first: PlanError, ...others: PlanError[]): AppError =>
  new AppError('invalid-plan', detailAbout(first.pointer, first.detail), {
    members: { errors: [first, ...others].slice(0, MAX_SHOWN) },
  })
