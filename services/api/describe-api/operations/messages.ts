import { z } from 'zod'
import {
  deadMessageListSchema,
  listDeadMessagesQuerySchema,
  messagesRedrivenSchema,
  redriveMessagesBodySchema,
} from '#shared/contracts/http/dead-messages.ts'
import { NDJSON } from '#shared/contracts/http/job-batch.ts'
import { messageSchema, messagesAcceptedSchema, messageWorkersSchema } from '#shared/contracts/http/messages.ts'
import { MESSAGES_MAX } from '#shared/contracts/log/message.ts'
import { keyHeaders, linkHeader, replayedHeader } from '../headers.ts'
import type { Operation } from '../operation.ts'

export const messageOperations: Operation[] = [
  {
    method: 'post',
    path: '/message',
    id: 'sendMessages',
    tag: 'Messages',
    summary: 'Send up to 10,000 small messages, all or none',
    description: 'An array, or a message a line; up to 8 MiB.',
    headers: keyHeaders,
    body: { schema: z.array(messageSchema).min(1).max(MESSAGES_MAX), mediaTypes: { [NDJSON]: z.string() } },
    answers: {
      201: { description: 'Accepted: all are in the broker', schema: messagesAcceptedSchema, headers: replayedHeader },
    },
    problems: ['invalid-header', 'key-reused'],
  },
  {
    method: 'get',
    path: '/v1/message/workers',
    id: 'showMessageWorkers',
    tag: 'Messages',
    summary: 'The workers that process messages, what they did, and what waits',
    answers: { 200: { description: 'As the records of the shards have it', schema: messageWorkersSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/message/dead',
    id: 'listDeadMessages',
    tag: 'Messages',
    summary: 'The messages that no attempt could process',
    query: listDeadMessagesQuerySchema,
    answers: { 200: { description: 'A page', schema: deadMessageListSchema, headers: linkHeader } },
    problems: [],
  },
  {
    method: 'post',
    path: '/v1/message/dead/redrive',
    id: 'redriveMessages',
    tag: 'Messages',
    summary: 'Put dead messages back into their shards, each once',
    body: { schema: redriveMessagesBodySchema, optional: true },
    answers: { 200: { description: 'How many', schema: messagesRedrivenSchema } },
    problems: [],
  },
]
