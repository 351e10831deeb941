import { z } from 'zod'
import { eventNoteSchema } from '../log/job.ts'
import { TYPE_PATTERN } from '../log/subjects.ts'
import { aboutNumber, wholeNumberParameter } from './query.ts'

const SEQUENCE_MAX = 999_999_999_999_999
const PAGE_MAX = 1_000

const lastEventId = wholeNumberParameter(0, SEQUENCE_MAX)
  .optional()
  .meta(aboutNumber('Only what came after; as the header Last-Event-ID', 0, SEQUENCE_MAX))

export const jobEventsQuerySchema = z.strictObject({
  last_event_id: lastEventId,
})

export const eventsQuerySchema = z.strictObject({
  type: z.string().regex(TYPE_PATTERN).optional().meta({ description: 'Of this job type alone' }),
  last_event_id: lastEventId,
  limit: wholeNumberParameter(1, PAGE_MAX)
    .default(100)
    .meta(aboutNumber('Of a JSON answer', 1, PAGE_MAX)),
})

/** An event as its readers get it. `data` stands with progress, `result` with the finish. */
export const eventViewSchema = eventNoteSchema
  .extend({
    job_id: z.string(),
    object_id: z.string(),
    tenant: z.string().optional(),
    type: z.string(),
    data: z.unknown().optional(),
    result: z.unknown().optional(),
  })
  .meta({ id: 'Event' })
export type EventView = z.infer<typeof eventViewSchema>

export const jobEventsSchema = z
  .object({ job_id: z.string(), items: z.array(eventNoteSchema) })
  .meta({ id: 'JobEvents', description: "The job's whole history; of an attempt's progress the latest alone" })

export const eventsPageSchema = z
  .object({
    items: z.array(eventViewSchema),
    last_event_id: z.number().int().meta({ description: 'Where the next page, or a stream, goes on' }),
    reset: z.boolean().meta({ description: 'Events after the sequence asked for are gone from the log' }),
  })
  .meta({ id: 'Events' })
