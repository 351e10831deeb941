import { z } from 'zod'
import { MESSAGES_MAX } from '../../log/message.ts'
import {
  deadMessageListSchema,
  listDeadMessagesQuerySchema,
  messagesRedrivenSchema,
  redriveMessagesBodySchema,
} from '../dead-messages.ts'
import { NDJSON } from '../job-batch.ts'
import { messageSchema, messagesAcceptedSchema, messageWorkersSchema } from '../messages.ts'
import { noParameters } from '../query.ts'
import { keyHeaders, linkHeader, replayedHeader } from './headers.ts'
import { operationsOf } from './operation.ts'

export const messageOperations = operationsOf('Messages', {
  sendMessages: {
    method: 'post',
    path: '/message',
    scope: 'jobs:write',
    summary: 'Send up to 10,000 messages, all or none',
    description: 'A JSON array, or one message per line; up to 8 MiB.',
    headers: keyHeaders,
    body: { schema: z.array(messageSchema).min(1).max(MESSAGES_MAX), mediaTypes: { [NDJSON]: z.string() } },
    answers: {
      201: {
        description: 'Accepted: all messages are stored',
        schema: messagesAcceptedSchema,
        headers: replayedHeader,
      },
    },
    problems: ['invalid-header', 'key-reused'],
  },
  showMessageWorkers: {
    method: 'get',
    path: '/v1/message/workers',
    scope: 'admin',
    summary: 'Show message workers and waiting messages',
    query: noParameters,
    answers: { 200: { description: 'The state of all shards', schema: messageWorkersSchema } },
    problems: [],
  },
  listDeadMessages: {
    method: 'get',
    path: '/v1/message/dead',
    scope: 'admin',
    summary: 'List dead messages',
    query: listDeadMessagesQuerySchema,
    answers: { 200: { description: 'One page', schema: deadMessageListSchema, headers: linkHeader } },
    problems: [],
  },
  redriveMessages: {
    method: 'post',
    path: '/v1/message/dead/redrive',
    scope: 'admin',
    summary: 'Redrive dead messages',
    body: { schema: redriveMessagesBodySchema, isOptional: true },
    answers: { 200: { description: 'How many messages were redriven', schema: messagesRedrivenSchema } },
    problems: [],
  },
})
