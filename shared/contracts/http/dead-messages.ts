import { z } from 'zod'
import { SHARDS_MAX } from '../log/message.ts'
import { deadMessageSchema } from './messages.ts'
import { aboutNumber, limitParameter, wholeNumberParameter } from './query.ts'

const REDRIVE_MAX = 1_000

export const deadMessageViewSchema = z
  .object({
    shard: z.number().int(),
    seq: z.number().int().meta({ description: 'The sequence that it had in its stream' }),
    ...deadMessageSchema.shape,
  })
  .meta({ id: 'DeadMessage' })
export type DeadMessageView = z.infer<typeof deadMessageViewSchema>

export const deadMessageListSchema = z
  .object({
    items: z.array(deadMessageViewSchema).meta({ description: 'What died first comes first' }),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'DeadMessageList' })
export type DeadMessageList = z.infer<typeof deadMessageListSchema>

export const listDeadMessagesQuerySchema = z.strictObject({
  shard: wholeNumberParameter(0, SHARDS_MAX - 1)
    .optional()
    .meta(aboutNumber('Of this shard alone', 0, SHARDS_MAX - 1)),
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'is none that was given here')
    .transform(Number)
    .optional()
    .meta({
      description: '`next_cursor` of the page before',
      override: { type: 'string', pattern: '^[1-9][0-9]{0,14}$' },
    }),
  limit: limitParameter('Messages a page'),
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
      .meta({ description: 'Of this shard alone' }),
    limit: z.number().int().min(1).max(REDRIVE_MAX).default(REDRIVE_MAX),
    until: z
      .number()
      .int()
      .min(0)
      .optional()
      .meta({ description: '`until` of the answer before: what died since stays' }),
  })
  .meta({ id: 'RedriveMessages' })
export type RedriveMessagesBody = z.infer<typeof redriveMessagesBodySchema>

export const messagesRedrivenSchema = z
  .object({
    redriven: z.number().int().meta({ description: 'Messages that were put back' }),
    is_more: z.boolean().meta({ description: 'There are further ones: ask again, with this `until`' }),
    until: z.number().int().meta({ description: 'What had died when it was asked for first' }),
  })
  .meta({ id: 'MessagesRedriven' })
export type MessagesRedriven = z.infer<typeof messagesRedrivenSchema>
