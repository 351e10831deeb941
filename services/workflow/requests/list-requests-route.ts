import type { Caller } from '#shared/auth/caller.ts'
import { requestOperations } from '#shared/contracts/http/operations/requests.ts'
import type { ListRequestsQuery, RequestList, RequestSummary } from '#shared/contracts/http/request-list.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { makeCursor, readCursor } from '#shared/http/cursor.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { AFTER_EVERY_ID } from '#shared/stores/jobs/job-store.ts'
import type { RequestStore } from '#shared/stores/requests/request-store.ts'
import type { RequestRecord } from '../decide/record.ts'
import type { ListAge } from './list-age.ts'

export interface ListRequestsDeps {
  store: Pick<RequestStore, 'list'>
  listAge: Pick<ListAge, 'now'>
}

/** Registers the list of the requests that the caller may see, newest first, as the store has them. */
export function listRequestsRoutes(router: GuardedRouter, deps: ListRequestsDeps): void {
  router.serve(requestOperations.listRequests, async (ctx, { query }) => {
    const list = await listRequests(deps, query, callerOf(ctx))
    ctx.set('Cache-Control', 'no-cache')
    if (list.next_cursor !== null) ctx.set('Link', `<${addressOf(query, list.next_cursor)}>; rel="next"`)
    ctx.body = list
  })
}

/** @throws AppError `invalid-request` for a cursor of another search; `unavailable` */
async function listRequests(
  { store, listAge }: ListRequestsDeps,
  { cursor, limit, status }: ListRequestsQuery,
  { tenant }: Caller,
): Promise<RequestList> {
  const search = { statuses: status === undefined ? null : [...new Set(status)].toSorted(), tenant }
  const belowId = cursor === undefined ? AFTER_EVERY_ID : readCursor(search, cursor)
  // Asked before the store is read: what is read afterwards is no older.
  const age = await listAge.now()
  // One more than requested shows whether there is another page.
  const found = await store.list({ ...search, belowId, limit: limit + 1 }).catch(cannotRead('The store'))
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  return {
    ...age,
    items: rows.map(({ summary }) => summaryView(summary as StoredSummary)),
    next_cursor: found.length > limit && last !== undefined ? makeCursor(search, last.request_id) : null,
  }
}

/** A summary as request-row.ts writes it. */
type StoredSummary = Omit<RequestSummary, 'tenant'> & Pick<RequestRecord, 'tenant'>

const summaryView = ({ tenant, ...summary }: StoredSummary): RequestSummary => ({
  ...summary,
  ...tenantMember(tenant),
  step: summary.status === 'completed' ? null : summary.step,
})

function addressOf({ status, limit }: ListRequestsQuery, cursor: string): string {
  const parameters = new URLSearchParams({ limit: String(limit), cursor })
  if (status !== undefined) parameters.set('status', [...new Set(status)].join(','))
  return `${requestOperations.listRequests.path}?${parameters.toString()}`
}
