import { z } from 'zod'

/** A worker's answer to the question who works. */
export const workerPresenceSchema = z.looseObject({
  worker_id: z.string(),
  types: z.array(z.string()),
  /** Number of jobs that it can run at once. */
  slots: z.number().int(),
  /** Slots that are taken. */
  running: z.number().int(),
  /** Types of handlers that hold a slot although they were told to stop, once for each slot. */
  abandoned_types: z.array(z.string()).default([]),
  /** The HTTP workers that it lends to now. */
  http_workers: z
    .array(
      z.looseObject({
        worker_id: z.string(),
        types: z.array(z.string()),
        slots: z.number().int(),
        running: z.number().int(),
      }),
    )
    .default([]),
  /** Whether it lends jobs to workers that ask over HTTP. */
  lends: z.boolean().default(false),
})
export type WorkerPresence = z.output<typeof workerPresenceSchema>
