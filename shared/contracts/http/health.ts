import { z } from 'zod'

const text = z.string()
const count = z.number().int()

export const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'not ready']).meta({ description: 'As `/readyz` of this replica says' }),
    version: text,
    checks: z.record(text, text),
    details: z.record(text, text),
    replicas: z.object({
      api: text.meta({ description: 'The replica that answers' }),
      keeper: text.nullable().meta({ description: 'The replica that applies the log to the store; null: none' }),
      workers: z
        .array(z.object({ worker_id: text, types: z.array(text), slots: count, running: count, lends: z.boolean() }))
        .nullable()
        .meta({ description: 'Live workers; null: the broker does not answer' }),
    }),
    broker: z.object({ up: z.boolean() }),
    store: z.object({
      kind: z.enum(['sqlite', 'mongo']),
      generation: count.meta({ description: 'Grows with every rebuild' }),
      rebuilding: z.boolean(),
      as_of: text.nullable(),
      lag_ms: count.nullable(),
      lag_messages: count.nullable().meta({ description: 'Messages of the log that are not applied yet' }),
    }),
    log: z
      .object({
        first_seq: count,
        last_seq: count,
        messages: count,
        bytes: count,
        max_bytes: count,
        max_jobs: count,
        used: z.number().meta({ description: 'Share of its limits, the larger one; new jobs are refused at 1' }),
        created: text,
      })
      .nullable()
      .meta({ description: 'null: the broker does not answer' }),
    settings: z.record(text, z.union([text, z.number(), z.boolean()])).meta({
      description: 'Settings of this replica that are numbers or switches, and none that is an address or a secret',
    }),
  })
  .meta({ id: 'SystemHealth' })
export type SystemHealth = z.infer<typeof healthSchema>
