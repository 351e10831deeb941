import { z } from 'zod'

/** A worker's answer to the question who works. */
export const workerPresenceSchema = z.looseObject({
  worker_id: z.string(),
  types: z.array(z.string()),
  /** Number of jobs that it can run at once. */
  slots: z.number().int(),
  running: z.number().int(),
})
export type WorkerPresence = z.infer<typeof workerPresenceSchema>
