import { z } from 'zod'
import { tenantFilterParameter, timeParameter } from './query.ts'

/** Days that a calendar may have. */
export const CALENDAR_DAYS_MAX = 31

export const calendarQuerySchema = z.strictObject({
  from: timeParameter('RFC 3339; the first hour is the one that has this time; by default now'),
  to: timeParameter(`RFC 3339; by default a week after \`from\`, and at most ${CALENDAR_DAYS_MAX} days`),
  tenant: tenantFilterParameter,
})

export const calendarSchema = z
  .object({
    hours: z
      .array(
        z.object({
          t: z.string(),
          ticks: z.number().int(),
          schedules: z.array(z.object({ name: z.string(), ticks: z.number().int() })),
        }),
      )
      .meta({ description: 'Hours with ticks, oldest first' }),
    truncated: z.boolean().meta({ description: 'There are more than 10,000 ticks, or counting them took too long' }),
    schedules_counted: z.number().int().meta({
      description: 'How many schedules, in the order of the list, are counted whole; the next one may be in part',
    }),
    schedules_total: z.number().int().meta({ description: 'How many there are, paused ones included' }),
  })
  .meta({ id: 'ScheduleCalendar' })
export type Calendar = z.infer<typeof calendarSchema>
