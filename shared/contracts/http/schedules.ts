import { z } from 'zod'
import { jobErrorSchema } from '../log/job.ts'
import { DELAY_MAX_MS } from '../log/limits.ts'
import { createJobBodySchema } from './jobs.ts'
import { LIST_LIMIT_MAX, pageParameters } from './query.ts'
import { tenantParameter } from './tokens.ts'

export const SCHEDULES_MAX = 10_000
/** Limit for each tenant, so that one cannot use up all of them. */
export const SCHEDULES_OF_TENANT_MAX = 1_000
/** Bytes of a schedule's job as JSON. */
export const SCHEDULED_JOB_MAX_BYTES = 64 * 1024
/** Bytes of all schedules together as JSON: every api and every keeper has them in memory. */
export const SCHEDULES_MAX_BYTES = 64 * 1024 * 1024
export const SCHEDULES_OF_TENANT_MAX_BYTES = 6 * 1024 * 1024
/** Number of missed ticks that `on_missed: all` makes up for: the latest ones. */
export const MISSED_MAX = 100
/** Number of future times that a schedule shows. */
export const NEXT_RUNS = 5
export const SCHEDULE_NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** The schedule decides when its jobs start, so a scheduled job has no delay_ms and no run_at. */
export const scheduledJobSchema = createJobBodySchema
  .omit({ object_id: true, delay_ms: true, run_at: true })
  .extend({
    object_id: createJobBodySchema.shape.object_id
      .optional()
      .meta({ description: 'What the jobs are about; defaults to `schedule:<name>`' }),
  })
  .meta({ id: 'ScheduledJob' })

export const scheduleQuerySchema = z.strictObject({ tenant: tenantParameter })

const timeSchema = z.iso.datetime({ offset: true })

export const putScheduleBodySchema = z
  .strictObject({
    cron: z.string().max(200).optional().meta({ description: 'Five fields: minute, hour, day, month, weekday' }),
    every_ms: z
      .number()
      .int()
      .min(1_000)
      .max(DELAY_MAX_MS)
      .optional()
      .meta({ description: 'Milliseconds between ticks; give either this or cron' }),
    timezone: z.string().max(64).default('UTC').meta({ description: 'IANA name of the time zone for cron' }),
    job: scheduledJobSchema,
    on_missed: z
      .enum(['latest', 'skip', 'all'])
      .default('latest')
      .meta({ description: `Which missed ticks to make up for: the latest, none, or each of the last ${MISSED_MAX}` }),
    starts_at: timeSchema
      .optional()
      .meta({ description: 'RFC 3339: no tick before this time; every_ms counts from here' }),
    ends_at: timeSchema.optional().meta({ description: 'RFC 3339: no tick after this time' }),
  })
  .meta({ id: 'PutSchedule' })
export type PutScheduleBody = z.infer<typeof putScheduleBodySchema>
/** A schedule as it is sent: members with a default may be left out. */
export type NewSchedule = z.input<typeof putScheduleBodySchema>

/** A schedule as it is stored. Times are ISO; `anchor`, `settled_until`, `made_until` and `changed_seq` are not shown. */
export const scheduleRecordSchema = z.looseObject({
  name: z.string(),
  /** The tenant that owns the schedule; records written before tenants existed belong to no tenant. */
  tenant: z.string().nullable().default(null),
  cron: z.string().nullable(),
  every_ms: z.number().nullable(),
  timezone: z.string(),
  // Keeps members that a later version has added.
  job: z.looseObject(scheduledJobSchema.shape),
  paused: z.boolean(),
  on_missed: z.enum(['latest', 'skip', 'all']),
  starts_at: z.string().nullable(),
  ends_at: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  /** `every_ms` counts from here. */
  anchor: z.string(),
  /** No tick up to this time is due any more: each was handled or skipped, or lies before the last change. */
  settled_until: z.string(),
  /** Ticks up to this time may have run before they were due, through a keeper whose clock was ahead. */
  made_until: z.string().nullable().default(null),
  /**
   * Sequence of the last change by a caller, kept by the ticks that write the record since; null: the record's own
   * sequence.
   */
  changed_seq: z.number().nullable(),
  last_tick_at: z.string().nullable(),
  last_job_id: z.string().nullable(),
  last_error: jobErrorSchema.extend({ tick_at: z.string() }).nullable(),
})
export type ScheduleRecord = z.infer<typeof scheduleRecordSchema>

export const scheduleViewSchema = scheduleRecordSchema
  .omit({ anchor: true, settled_until: true, made_until: true, changed_seq: true })
  .extend({
    tenant: z.string().optional().meta({ description: 'The tenant that owns it; absent where the token named none' }),
    job: scheduledJobSchema,
    next_run_at: z.string().nullable().meta({ description: 'null while paused and after ends_at' }),
    next_runs: z.array(z.string()).meta({ description: `The next ${NEXT_RUNS} run times` }),
    last_tick_at: z.string().nullable().meta({ description: 'The time of the last tick that created a job' }),
    last_error: scheduleRecordSchema.shape.last_error.meta({
      description: 'Why the last tick created no job; null if it did',
    }),
  })
  .meta({ id: 'Schedule' })
export type ScheduleView = z.infer<typeof scheduleViewSchema>

/** A schedule in a list: without the payload, which may be large, and with only the next time. */
export const scheduleSummarySchema = scheduleViewSchema
  .omit({ next_runs: true })
  .extend({ job: scheduledJobSchema.omit({ payload: true }) })
  .meta({ id: 'ScheduleSummary' })
export type ScheduleSummary = z.infer<typeof scheduleSummarySchema>

export const listSchedulesQuerySchema = z.strictObject(
  // A whole page by default: before there were pages, the answer had all schedules. A place has a name and a tenant.
  pageParameters('Schedules per page', { limit: LIST_LIMIT_MAX, cursorMaxLength: 300 }),
)
export type ListSchedulesQuery = z.infer<typeof listSchedulesQuerySchema>

export const scheduleListSchema = z
  .object({
    items: z.array(scheduleSummarySchema).meta({ description: 'By name, and those of the same name by tenant' }),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'ScheduleList' })
export type ScheduleList = z.infer<typeof scheduleListSchema>
