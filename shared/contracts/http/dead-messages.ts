import { z } from 'zod'
import { SHARDS_MAX } from '../log/message.ts'
import { deadMessageSchema } from './messages.ts'
import { aboutNumber, limitParameter, wholeNumberParameter } from './query.ts'

const REDRIVE_MAX = 1_000

export const deadMessageViewSchema = z
  .object({
    shard: z.number().int(),
    seq: z.number().int().meta({ description: 'The sequence that the message had in its stream' }),
    ...deadMessageSchema.shape,
  })
  .meta({ id: 'DeadMessage' })
export type DeadMessageView = z.infer<typeof deadMessageViewSchema>

export const deadMessageListSchema = z
  .object({
    items: z.array(deadMessageViewSchema).meta({ description: 'Oldest death first' }),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'DeadMessageList' })
export type DeadMessageList = z.infer<typeof deadMessageListSchema>

export const listDeadMessagesQuerySchema = z.strictObject({
  shard: wholeNumberParameter(0, SHARDS_MAX - 1)
    .optional()
    .meta(aboutNumber('Only messages of this shard', 0, SHARDS_MAX - 1)),
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'is not a cursor of this service')
    .transform(Number)
    .optional()
    .meta({
      description: '`next_cursor` of the previous page',
      override: { type: 'string', pattern: '^[1-9][0-9]{0,14}$' },
    }),
  limit: limitParameter('Messages per page'),
})
export type ListDeadMessagesQuery = z.infer<typeof listDeadMessagesQuerySchema>

export const redriveMessagesBodySchema = z
  .strictObject({
    shard: z
      .number()
      .int()
      .min(0)
      .max(SHARDS_MAX - 1)
      .optional()
      .meta({ description: 'Only messages of this shard' }),
    limit: z.number().int().min(1).max(REDRIVE_MAX).default(REDRIVE_MAX),
    until: z
      .number()
      .int()
      .min(0)
      .optional()
      .meta({ description: '`until` of the previous answer; messages that died later are left alone' }),
  })
  .meta({ id: 'RedriveMessages' })
export type RedriveMessagesBody = z.infer<typeof redriveMessagesBodySchema>

export const messagesRedrivenSchema = z
  .object({
    redriven: z.number().int().meta({ description: 'Messages that were redriven' }),
    is_more: z.boolean().meta({ description: 'More messages are left; repeat the call with this `until`' }),
    until: z.number().int().meta({ description: 'The position of the newest message that the first call covered' }),
  })
  .meta({ id: 'MessagesRedriven' })
export type MessagesRedriven = z.infer<typeof messagesRedrivenSchema>
