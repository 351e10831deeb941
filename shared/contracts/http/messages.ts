import { z } from 'zod'
import { epochMsOf } from '../../formats/rfc3339.ts'
import { storedMessageSchema, VALUE_MAX_BYTES } from '../log/message.ts'

const encoder = new TextEncoder()
const KEY_MAX_BYTES = 512

/** Every UTF-16 unit is at most 3 bytes: most strings need no encoding to be known short enough. */
const isShort = (text: string, maxBytes: number): boolean =>
  text.length * 3 <= maxBytes || encoder.encode(text).length <= maxBytes

const isShortEnough = (value: unknown): boolean =>
  value === undefined || isShort(typeof value === 'string' ? value : JSON.stringify(value), VALUE_MAX_BYTES)

/**
 * Limit of the members and array items of one body: large enough that more than 10,000 messages are refused for their
 * number.
 */
export const MESSAGES_MAX_MEMBERS = 100_000

export const messageSchema = z
  .strictObject({
    timestamp: z
      .string()
      .refine((text) => !Number.isNaN(epochMsOf(text)), {
        error: 'must be an RFC 3339 time, such as 2026-11-22T18:00:00Z',
      })
      .meta({ description: 'RFC 3339', override: { format: 'date-time' } }),
    value: z
      .unknown()
      .refine(isShortEnough, { error: `must be at most ${VALUE_MAX_BYTES} bytes of UTF-8` })
      .optional()
      .meta({ description: `Any JSON value of at most ${VALUE_MAX_BYTES} bytes` }),
    key: z
      .string()
      .min(1)
      .refine((text) => isShort(text, KEY_MAX_BYTES), { error: `must be at most ${KEY_MAX_BYTES} bytes of UTF-8` })
      .optional()
      .meta({
        description: `The source, 1 to ${KEY_MAX_BYTES} bytes: its messages keep their order, because the key decides the shard instead of the timestamp`,
      }),
  })
  .meta({
    id: 'Message',
    examples: [
      { timestamp: '2026-11-22T18:00:00Z', value: '21.5' },
      { timestamp: '2026-11-22T18:00:00Z', value: { celsius: 21.5 }, key: 'device-7' },
    ],
  })
export type Message = z.infer<typeof messageSchema>

export const messagesAcceptedSchema = z
  .object({ accepted: z.number().int().meta({ description: 'The number of messages, always all of them' }) })
  .meta({ id: 'MessagesAccepted' })
export type MessagesAccepted = z.infer<typeof messagesAcceptedSchema>

const count = (description: string) => z.number().int().meta({ description })

export const messageWorkerSchema = z
  .object({
    worker_id: z.string().meta({ description: '`<shard>-<position in its pool>`' }),
    shard: z.number().int(),
    replica_id: z.string().nullable().meta({ description: 'The replica that owns the shard now' }),
    running: z.boolean().meta({ description: 'Whether the worker is in the pool now' }),
    started_at: z.string().meta({ description: 'When the worker last started' }),
    batches_since_start: count('Batches since the worker last started'),
    messages_since_start: count('Messages since the worker last started'),
    batches_total: count('Batches in total'),
    messages_total: count('Messages in total'),
  })
  .meta({ id: 'MessageWorker' })
export type MessageWorker = z.infer<typeof messageWorkerSchema>

export const messageShardSchema = z
  .object({
    shard: z.number().int(),
    replica_id: z.string().nullable().meta({ description: 'The replica that owns the shard; null: none' }),
    waiting: count('Messages not yet in a batch'),
    open_batches: count('Batches not yet done'),
    dead_total: count('Messages that died, in total'),
  })
  .meta({ id: 'MessageShard' })
export type MessageShard = z.infer<typeof messageShardSchema>

export const messageWorkersSchema = z
  .object({
    workers: z.array(messageWorkerSchema),
    shards: z.array(messageShardSchema),
    messages_total: count('Messages processed by all workers, in total'),
  })
  .meta({ id: 'MessageWorkers' })
export type MessageWorkers = z.infer<typeof messageWorkersSchema>

/** A stored message that no attempt could process. */
export const deadMessageSchema = storedMessageSchema.extend({
  error: z.string(),
  attempts: z.number().int(),
  died_at: z.string(),
})
