import { z } from 'zod'

/** What a worker says of itself when it is asked who works. */
export const workerPresenceSchema = z.looseObject({
  worker_id: z.string(),
  types: z.array(z.string()),
  /** Jobs at once. */
  slots: z.number().int(),
  running: z.number().int(),
})
export type WorkerPresence = z.infer<typeof workerPresenceSchema>
