import { workerOperations } from '#shared/contracts/http/operations/workers.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { readQuery } from '#shared/http/read-query.ts'
import type { OpsAnswer } from '#shared/service/health.ts'
import type { OpsRequest, OpsRoutes } from '#shared/service/ops-server.ts'
import { listAttempts, listWorkers, type ShowWorkersDeps, showWorker } from './show-workers.ts'

const PATHS = /^\/v1\/workers(?:\/(?<workerId>[^/]+)(?<attempts>\/attempts)?)?\/?$/

/** `GET /v1/workers`, `GET /v1/workers/:worker_id` and `GET /v1/workers/:worker_id/attempts`. */
export const workerRoutes =
  (deps: ShowWorkersDeps): OpsRoutes =>
  async (request) => {
    const found = PATHS.exec(request.path)
    if (found === null) return null
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new AppError('method-not-allowed', 'The Allow header lists the methods of this address.', {
        headers: { Allow: 'GET, HEAD' },
      })
    const { workerId, attempts } = found.groups ?? {}
    if (workerId === undefined)
      return json(await listWorkers(deps, readQuery(request, workerOperations.listWorkers.query).live ?? null))
    if (attempts !== undefined) return attemptsOf(deps, request, workerId)
    readQuery(request, workerOperations.getWorker.query)
    return json(await showWorker(deps, workerId))
  }

async function attemptsOf(deps: ShowWorkersDeps, request: OpsRequest, workerId: string): Promise<OpsAnswer> {
  const query = readQuery(request, workerOperations.listWorkerAttempts.query)
  const page = await listAttempts(deps, workerId, query)
  if (page.next_cursor === null) return json(page)
  const next = new URLSearchParams({ limit: String(query.limit), cursor: page.next_cursor })
  return json(page, { Link: `</v1/workers/${workerId}/attempts?${next.toString()}>; rel="next"` })
}

const json = (body: unknown, headers: Record<string, string> = {}): OpsAnswer => ({
  status: 200,
  contentType: 'application/json; charset=utf-8',
  headers: { 'Cache-Control': 'no-cache', ...headers },
  body: JSON.stringify(body),
})
