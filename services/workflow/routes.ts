import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type DefinitionRoutesDeps, definitionRoutes } from './definitions/definitions-route.ts'
import { cancelRequestRoutes } from './requests/cancel-request-route.ts'
import type { ChangeByCallerDeps } from './requests/change-by-caller.ts'
import type { CreateRequestDeps } from './requests/create-request.ts'
import { createRequestRoutes } from './requests/create-request-route.ts'
import { type GetRequestDeps, getRequestRoutes } from './requests/get-request-route.ts'
import { type ListRequestsDeps, listRequestsRoutes } from './requests/list-requests-route.ts'
import { retryRequestRoutes } from './requests/retry-request-route.ts'
import { signalRequestRoutes } from './requests/signal-request-route.ts'

export interface WorkflowRoutesDeps
  extends Omit<CreateRequestDeps, 'definitions' | 'records' | 'store'>,
    DefinitionRoutesDeps,
    ChangeByCallerDeps,
    Omit<GetRequestDeps, 'records' | 'store'> {
  clock: CreateRequestDeps['clock']
  store: ChangeByCallerDeps['store'] & ListRequestsDeps['store']
  listAge: ListRequestsDeps['listAge']
}

/** Registers everything under /v1/requests and /v1/definitions. */
export function workflowRoutes(router: GuardedRouter, deps: WorkflowRoutesDeps): void {
  createRequestRoutes(router, deps)
  listRequestsRoutes(router, deps)
  getRequestRoutes(router, deps)
  cancelRequestRoutes(router, deps)
  retryRequestRoutes(router, deps)
  signalRequestRoutes(router, deps)
  definitionRoutes(router, deps)
}
