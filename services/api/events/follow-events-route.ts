import { eventOperations } from '#shared/contracts/http/operations/events.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { findJob, getCurrentJob } from '../read/get-job.ts'
import { followAll } from './follow-all.ts'
import { type FollowDeps, followJob, isToldWhole } from './follow-job.ts'
import { readEvents } from './read-events.ts'
import { type EventStreams, wantsStream } from './server-sent-events.ts'
import { SharedReader, WINDOW, watchAll } from './shared-reader.ts'
import type { OwnerOf } from './show-events.ts'

export interface FollowEventsDeps extends FollowDeps {
  streams: EventStreams
}

/** Registers the routes of events: JSON, or a stream where the caller accepts one. */
export function followEventsRoutes(router: GuardedRouter, deps: FollowEventsDeps): void {
  const ownerOf: OwnerOf = async (jobId) => (await findJob(deps, jobId))?.tenant
  const shared = new SharedReader({ ...deps, ownerOf, limits: WINDOW, watch: watchAll(deps.broker) })
  const ofAll = { ...deps, ownerOf, shared }

  router.serve(eventOperations.followJob, async (ctx, { params, query }) => {
    const afterSeq = lastEventId(ctx) ?? query.last_event_id ?? 0
    const job = await getCurrentJob(deps, params.job_id, callerOf(ctx))
    if (!wantsStream(ctx)) {
      ctx.set('Cache-Control', 'no-cache')
      ctx.body = { job_id: job.job_id, items: job.events.filter(({ seq }) => seq > afterSeq) }
      return
    }
    // A browser reconnects by itself after every end: only this answer stops it.
    if (isToldWhole(job, afterSeq)) ctx.status = 204
    else deps.streams.answer(ctx, (signal) => followJob(deps, job, afterSeq, signal))
  })

  router.serve(eventOperations.followJobs, async (ctx, { query: { type = null, tag = null, limit, ...query } }) => {
    const afterSeq = lastEventId(ctx) ?? query.last_event_id ?? null
    const view = { tenant: callerOf(ctx).tenant, type, tag }
    if (wantsStream(ctx)) {
      deps.streams.answer(ctx, (signal) => followAll(ofAll, view, afterSeq, signal))
      return
    }
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await readEvents(ofAll, view, afterSeq ?? 0, limit)
  })
}

/** @throws AppError `invalid-header` */
function lastEventId(ctx: AppContext): number | null {
  const text = ctx.get('last-event-id')
  if (text === '') return null
  if (!/^\d{1,15}$/.test(text))
    throw new AppError('invalid-header', 'Last-Event-ID must be the id of an event, which is a whole number.')
  return Number(text)
}
