import { AppError, detailAbout } from '#shared/errors/app-error.ts'

/** A fault of a plan, and its place in the body that has the plan: RFC 6901. */
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

/** The error for a plan; its detail is about the first fault. */
export const invalidPlan = (first: PlanError, ...others: PlanError[]): AppError =>
  new AppError('invalid-plan', detailAbout(first.pointer, first.detail), {
    members: { errors: [first, ...others].slice(0, MAX_SHOWN) },
  })
