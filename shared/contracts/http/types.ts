import { z } from 'zod'
import { jobPolicySchema, userPolicySchema } from '../log/job-type.ts'

export const typeViewSchema = z
  .object({
    type: z.string(),
    policy: jobPolicySchema.meta({ description: 'Defaults and limits that the handler declares' }),
    payload_schema: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'JSON Schema of the payload; null: any value' }),
    concurrency: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'Current limit of jobs running at once over all workers; null: no limit' }),
    paused: z.boolean(),
    waiting: z.number().int().meta({ description: 'Jobs not yet taken by a worker' }),
    running: z.number().int().meta({ description: 'Jobs taken by workers' }),
  })
  .meta({ id: 'JobType' })
export type TypeView = z.infer<typeof typeViewSchema>

export const typesSchema = z.object({ items: z.array(typeViewSchema) }).meta({ id: 'JobTypes' })
export type TypeList = z.infer<typeof typesSchema>

export const CONCURRENCY_MAX = 100_000

export const PAYLOAD_SCHEMA_MAX_BYTES = 32 * 1024

export const putTypeBodySchema = z
  .strictObject({
    runner: z.literal('http').meta({ description: 'Workers claim the jobs over HTTP' }),
    policy: userPolicySchema
      .default({})
      .meta({ description: 'Defaults and limits; members that are left out have the usual defaults' }),
    payload_schema: z
      .record(z.string(), z.unknown())
      .nullable()
      .default(null)
      .meta({
        description: `JSON Schema of the payload, ${PAYLOAD_SCHEMA_MAX_BYTES / 1024} KiB at most; null: any value`,
      }),
  })
  .meta({ id: 'PutJobType' })
export type PutTypeBody = z.output<typeof putTypeBodySchema>
/** As it is sent. */
export type NewType = z.input<typeof putTypeBodySchema>

export const changeTypeBodySchema = z
  .strictObject({
    concurrency: z
      .number()
      .int()
      .min(1)
      .max(CONCURRENCY_MAX)
      .nullable()
      .meta({ description: 'Limit of jobs running at once over all workers; null: no limit' }),
  })
  .meta({ id: 'ChangeJobType' })
