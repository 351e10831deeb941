import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { scheduleOperations } from '#shared/contracts/http/operations/schedules.ts'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { effectiveTenant } from '#shared/http/effective-tenant.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { jobOf } from '#shared/schedules/schedule-job.ts'
import type { ScheduleKey } from '#shared/schedules/schedule-records.ts'
import { isoTime } from '#shared/time/clock.ts'
import { type CreateJobDeps, createJob } from '../accept/create-job.ts'
import {
  type ChangedSchedule,
  changeSchedule,
  deleteSchedule,
  etagOf,
  notFound,
  type Precondition,
  readSchedule,
} from './change-schedule.ts'
import { addressOf, listSchedules } from './list-schedules.ts'
import { type PutScheduleDeps, putSchedule } from './put-schedule.ts'
import { scheduleView } from './schedule-view.ts'

export type ScheduleRoutesDeps = PutScheduleDeps & CreateJobDeps

export function scheduleRoutes(router: GuardedRouter, deps: ScheduleRoutesDeps): void {
  const { records, clock, log } = deps
  const show = (ctx: AppContext, { stored, change }: ChangedSchedule) => {
    const { name, paused } = stored.record
    if (change !== 'unchanged') log.info({ schedule: name, change, paused }, 'schedule changed')
    ctx.set('Cache-Control', 'no-store')
    ctx.set('ETag', etagOf(stored))
    ctx.body = scheduleView(stored.record, clock.now())
  }

  router.serve(scheduleOperations.listSchedules, async (ctx, { query }) => {
    const list = await listSchedules(deps, query, callerOf(ctx))
    ctx.set('Cache-Control', 'no-store')
    if (list.next_cursor !== null) ctx.set('Link', `<${addressOf(query, list.next_cursor)}>; rel="next"`)
    ctx.body = list
  })
  router.serve(scheduleOperations.putSchedule, async (ctx, { body, ...address }) => {
    const changed = await putSchedule(deps, keyOf(ctx, address), body, preconditionOf(ctx))
    show(ctx, changed)
    ctx.status = changed.change === 'created' ? 201 : 200
  })
  router.serve(scheduleOperations.getSchedule, async (ctx, address) =>
    show(ctx, { stored: await readSchedule(records, keyOf(ctx, address)), change: 'unchanged' }),
  )
  router.serve(scheduleOperations.deleteSchedule, async (ctx, address) => {
    const key = keyOf(ctx, address)
    await deleteSchedule(records, key, preconditionOf(ctx))
    log.info({ schedule: key.name }, 'schedule deleted')
    ctx.status = 204
  })
  for (const verb of ['pause', 'resume'] as const) {
    router.serve(scheduleOperations[`${verb}Schedule`], async (ctx, address) => {
      const changed = await changeSchedule(records, keyOf(ctx, address), preconditionOf(ctx), (current) => {
        if (current === null) throw notFound()
        return withPause(current.record, verb === 'pause', isoTime(clock.now()))
      })
      show(ctx, changed)
    })
  }
  router.serve(scheduleOperations.triggerSchedule, async (ctx, address) => {
    const { record } = await readSchedule(records, keyOf(ctx, address))
    // Triggered by hand: as for ticks, which use one object_id all the time, the cooldown does not apply.
    const { accepted, replayed } = await createJob(
      { ...deps, cooldownMs: 0 },
      {
        body: jobOf(record),
        ...requestInfo(ctx),
        caller: { ...callerOf(ctx), tenant: record.tenant },
        idempotencyKey: readIdempotencyKey(ctx.req),
        isAtRoot: false,
      },
    )
    ctx.set('Location', `/v1/jobs/${accepted.job_id}`)
    if (replayed) ctx.set('Idempotency-Replayed', 'true')
    ctx.status = 201
    ctx.body = accepted
  })
}

const keyOf = (
  ctx: AppContext,
  { params, query }: { params: { name: string }; query: { tenant?: string | undefined } },
): ScheduleKey => ({ tenant: effectiveTenant(callerOf(ctx), query.tenant), name: params.name })

/** The record, paused or resumed. A paused schedule misses no ticks: it continues from the moment it is resumed. */
function withPause(record: ScheduleRecord, paused: boolean, at: string): ScheduleRecord {
  if (record.paused === paused) return record
  return { ...record, paused, updated_at: at, ...(paused ? {} : { settled_until: at }) }
}

const preconditionOf = (ctx: AppContext): Precondition => ({
  ifMatch: ctx.get('if-match'),
  ifNoneMatch: ctx.get('if-none-match'),
})
