import { z } from 'zod'
import { jobAcceptedSchema } from './jobs.ts'
import { problemSchema } from './problems.ts'

export const BATCH_MAX_JOBS = 10_000
export const BATCH_MAX_BYTES = 8 * 1024 * 1024
/** Limit of the members and array items of one body. */
export const BATCH_MAX_MEMBERS = 500_000
/** One job per line (https://github.com/ndjson/ndjson-spec). */
export const NDJSON = 'application/x-ndjson'

export const batchQuerySchema = z.strictObject({
  atomic: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({ description: 'All or nothing' }),
})

export const batchItemSchema = z
  .object({
    index: z.number().int().meta({ description: 'Position in the request, from 0' }),
    status: z.number().int().meta({ description: 'The HTTP status that the job would get as a request of its own' }),
    job: jobAcceptedSchema.optional(),
    error: problemSchema.optional(),
  })
  .meta({ id: 'BatchItem' })
export type BatchItem = z.infer<typeof batchItemSchema>

export const batchResultSchema = z
  .object({ accepted: z.number().int(), failed: z.number().int(), items: z.array(batchItemSchema) })
  .meta({ id: 'BatchResult' })
export type BatchResult = z.infer<typeof batchResultSchema>
