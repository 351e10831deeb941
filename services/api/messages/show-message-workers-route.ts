import { messageOperations } from '#shared/contracts/http/operations/messages.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type ShowMessageWorkersDeps, showMessageWorkers } from './show-message-workers.ts'

export function showMessageWorkersRoutes(router: GuardedRouter, deps: ShowMessageWorkersDeps): void {
  router.serve(messageOperations.showMessageWorkers, async (ctx) => {
    ctx.set('Cache-Control', 'no-cache')
    ctx.body = await showMessageWorkers(deps)
  })
}
