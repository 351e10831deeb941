import { z } from 'zod'
import { jobPolicySchema } from '../log/job-type.ts'

export const typeViewSchema = z
  .object({
    type: z.string(),
    policy: jobPolicySchema.meta({ description: "What the type's handler declares" }),
    payload_schema: z.record(z.string(), z.unknown()).nullable().meta({ description: 'JSON Schema; null takes any' }),
    concurrency: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'How many may run at once over all workers now; null: no limit' }),
    paused: z.boolean(),
    waiting: z.number().int().meta({ description: 'Jobs that no worker has taken yet' }),
    running: z.number().int().meta({ description: 'Jobs that workers hold' }),
  })
  .meta({ id: 'JobType' })
export type TypeView = z.infer<typeof typeViewSchema>

export const typesSchema = z.object({ items: z.array(typeViewSchema) }).meta({ id: 'JobTypes' })
export type TypeList = z.infer<typeof typesSchema>

export const CONCURRENCY_MAX = 100_000

export const changeTypeBodySchema = z
  .strictObject({
    concurrency: z
      .number()
      .int()
      .min(1)
      .max(CONCURRENCY_MAX)
      .nullable()
      .meta({ description: 'Jobs at once over all workers; null: no limit' }),
  })
  .meta({ id: 'ChangeJobType' })
