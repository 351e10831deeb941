import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { cancelRequestRoutes } from './cancel-request/route.ts'
import type { ChangeByCallerDeps } from './change-by-caller.ts'
import type { CreateRequestDeps } from './create-request/create-request.ts'
import { createRequestRoutes } from './create-request/route.ts'
import { type DefinitionRoutesDeps, definitionRoutes } from './definitions/route.ts'
import { type GetRequestDeps, getRequestRoutes } from './get-request/route.ts'
import { type ListRequestsDeps, listRequestsRoutes } from './list-requests/route.ts'
import { retryRequestRoutes } from './retry-request/route.ts'
import { signalRequestRoutes } from './signal-request/route.ts'

export interface WorkflowRoutesDeps
  extends Omit<CreateRequestDeps, 'definitions' | 'records' | 'store'>,
    DefinitionRoutesDeps,
    ChangeByCallerDeps,
    Omit<GetRequestDeps, 'records' | 'store'> {
  clock: CreateRequestDeps['clock']
  store: ChangeByCallerDeps['store'] & ListRequestsDeps['store']
}

/** Everything under /v1/requests and /v1/definitions. */
export function workflowRoutes(router: GuardedRouter, deps: WorkflowRoutesDeps): void {
  createRequestRoutes(router, deps)
  listRequestsRoutes(router, deps)
  getRequestRoutes(router, deps)
  cancelRequestRoutes(router, deps)
  retryRequestRoutes(router, deps)
  signalRequestRoutes(router, deps)
  definitionRoutes(router, deps)
}
