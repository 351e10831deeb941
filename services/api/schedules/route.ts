import type Router from '@koa/router'
import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { maySee } from '#shared/auth/caller.ts'
import { noParameters } from '#shared/contracts/http/query.ts'
import {
  putScheduleBodySchema,
  type ScheduleList,
  type ScheduleRecord,
  scheduleQuerySchema,
} from '#shared/contracts/http/schedules.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { readBody } from '#shared/http/read-body.ts'
import { readQuery } from '#shared/http/read-query.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { tenantMeant } from '#shared/http/tenant-meant.ts'
import { jobOf } from '#shared/schedules/schedule-job.ts'
import { isoTime } from '#shared/time/clock.ts'
import type { ScheduleKey } from '../../../shared/schedules/schedule-records.ts'
import { type CreateJobDeps, createJob } from '../create-job/create-job.ts'
import {
  atBroker,
  type ChangedSchedule,
  changeSchedule,
  deleteSchedule,
  etagOf,
  notFound,
  type Precondition,
  readSchedule,
} from './change-schedule.ts'
import { type PutScheduleDeps, putSchedule } from './put-schedule.ts'
import { scheduleSummary, scheduleView } from './schedule-view.ts'

export type ScheduleRoutesDeps = PutScheduleDeps & CreateJobDeps

const PATH = '/v1/schedules'

/** `GET /v1/schedules`; `PUT`, `GET`, `DELETE /v1/schedules/:name`; `POST` of its `/pause`, `/resume`, `/trigger`. */
export function scheduleRoutes(router: Router, deps: ScheduleRoutesDeps): void {
  const { records, book, clock, log } = deps
  const show = (ctx: AppContext, { stored, change }: ChangedSchedule) => {
    const { name, paused } = stored.record
    if (change !== 'unchanged') log.info({ schedule: name, change, paused }, 'schedule changed')
    ctx.set('Cache-Control', 'no-store')
    ctx.set('ETag', etagOf(stored))
    ctx.body = scheduleView(stored.record, clock.now())
  }

  router.get(PATH, async (ctx: AppContext) => {
    readQuery(ctx, noParameters)
    await atBroker(book.refresh())
    const caller = callerOf(ctx)
    const visible = book.all().filter(({ record }) => maySee(caller, record.tenant))
    const sorted = visible.toSorted((a, b) => (a.record.name < b.record.name ? -1 : 1))
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { items: sorted.map(({ record }) => scheduleSummary(record, clock.now())) } satisfies ScheduleList
  })
  route(router, 'put', '', async (ctx, key) => {
    const body = await readBody(ctx, putScheduleBodySchema)
    const changed = await putSchedule(deps, key, body, preconditionOf(ctx))
    show(ctx, changed)
    ctx.status = changed.change === 'created' ? 201 : 200
  })
  route(router, 'get', '', async (ctx, key) =>
    show(ctx, { stored: await readSchedule(records, key), change: 'unchanged' }),
  )
  route(router, 'delete', '', async (ctx, key) => {
    await deleteSchedule(records, key, preconditionOf(ctx))
    log.info({ schedule: key.name }, 'schedule deleted')
    ctx.status = 204
  })
  for (const verb of ['pause', 'resume'] as const) {
    route(router, 'post', `/${verb}`, async (ctx, key) => {
      const changed = await changeSchedule(records, key, preconditionOf(ctx), (current) => {
        if (current === null) throw notFound()
        return withPause(current.record, verb === 'pause', isoTime(clock.now()))
      })
      show(ctx, changed)
    })
  }
  route(router, 'post', '/trigger', async (ctx, key) => {
    const { record } = await readSchedule(records, key)
    // Asked for by hand: an object_id that its ticks use all the time has no cooldown here either.
    const { accepted, replayed } = await createJob(
      { ...deps, cooldownMs: 0 },
      {
        body: jobOf(record),
        ...requestInfo(ctx),
        caller: { ...callerOf(ctx), tenant: record.tenant },
        idempotencyKey: readIdempotencyKey(ctx.req),
        cooldownStatus: 409,
      },
    )
    ctx.set('Location', `/v1/jobs/${accepted.job_id}`)
    if (replayed) ctx.set('Idempotency-Replayed', 'true')
    ctx.status = 201
    ctx.body = accepted
  })
}

/** While it rests nothing is missed: it goes on from now. */
function withPause(record: ScheduleRecord, paused: boolean, at: string): ScheduleRecord {
  if (record.paused === paused) return record
  return { ...record, paused, updated_at: at, ...(paused ? {} : { settled_until: at }) }
}

const preconditionOf = (ctx: AppContext): Precondition => ({
  ifMatch: ctx.get('if-match'),
  ifNoneMatch: ctx.get('if-none-match'),
})

function route(
  router: Router,
  method: 'get' | 'put' | 'post' | 'delete',
  suffix: string,
  handle: (ctx: AppContext, key: ScheduleKey) => Promise<void>,
): void {
  router[method](`${PATH}/:name${suffix}`, (ctx: AppContext) =>
    handle(ctx, {
      tenant: tenantMeant(callerOf(ctx), readQuery(ctx, scheduleQuerySchema).tenant),
      name: ctx.params['name'] ?? '',
    }),
  )
}
