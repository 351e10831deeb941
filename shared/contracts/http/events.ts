import { z } from 'zod'
import { eventNoteSchema } from '../log/job.ts'
import { typeSchema } from '../log/subjects.ts'
import { tagSchema } from './jobs.ts'
import { aboutNumber, wholeNumberParameter } from './query.ts'

const SEQUENCE_MAX = 999_999_999_999_999
const PAGE_MAX = 1_000

const lastEventId = wholeNumberParameter(0, SEQUENCE_MAX)
  .optional()
  .meta(aboutNumber('Only later events; same as the header Last-Event-ID', 0, SEQUENCE_MAX))

export const jobEventsQuerySchema = z.strictObject({
  last_event_id: lastEventId,
})

export const eventsQuerySchema = z.strictObject({
  type: typeSchema.optional().meta({ description: 'Only events of this job type' }),
  tag: tagSchema.optional().meta({ description: 'Only events of jobs with this tag' }),
  last_event_id: lastEventId,
  limit: wholeNumberParameter(1, PAGE_MAX)
    .default(100)
    .meta(aboutNumber('Events per JSON answer', 1, PAGE_MAX)),
})

/** An event as its readers get it. Progress events have `data`, and the finish has `result`. */
export const eventViewSchema = eventNoteSchema
  .extend({
    job_id: z.string(),
    object_id: z.string(),
    tenant: z.string().optional(),
    tags: z.array(z.string()).optional(),
    type: z.string(),
    data: z.unknown().optional(),
    result: z.unknown().optional(),
  })
  .meta({ id: 'Event' })
export type EventView = z.infer<typeof eventViewSchema>

export const jobEventsSchema = z
  .object({ job_id: z.string(), items: z.array(eventNoteSchema) })
  .meta({ id: 'JobEvents', description: 'The whole history of the job, with only the latest progress of each attempt' })

export const eventsPageSchema = z
  .object({
    items: z.array(eventViewSchema),
    last_event_id: z.number().int().meta({ description: 'The position after which the next page or stream continues' }),
    reset: z.boolean().meta({ description: 'Some events after the requested position have left the log' }),
  })
  .meta({ id: 'Events' })
