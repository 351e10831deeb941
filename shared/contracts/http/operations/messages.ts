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
    summary: 'Send up to 10,000 small messages, all or none',
    description: 'An array, or a message a line; up to 8 MiB.',
    headers: keyHeaders,
    body: { schema: z.array(messageSchema).min(1).max(MESSAGES_MAX), mediaTypes: { [NDJSON]: z.string() } },
    answers: {
      201: { description: 'Accepted: all are in the broker', schema: messagesAcceptedSchema, headers: replayedHeader },
    },
    problems: ['invalid-header', 'key-reused'],
  },
  showMessageWorkers: {
    method: 'get',
    path: '/v1/message/workers',
    scope: 'admin',
    summary: 'The workers that process messages, what they did, and what waits',
    query: noParameters,
    answers: { 200: { description: 'As the records of the shards have it', schema: messageWorkersSchema } },
    problems: [],
  },
  listDeadMessages: {
    method: 'get',
    path: '/v1/message/dead',
    scope: 'admin',
    summary: 'The messages that no attempt could process',
    query: listDeadMessagesQuerySchema,
    answers: { 200: { description: 'A page', schema: deadMessageListSchema, headers: linkHeader } },
    problems: [],
  },
  redriveMessages: {
    method: 'post',
    path: '/v1/message/dead/redrive',
    scope: 'admin',
    summary: 'Put dead messages back into their shards, each once',
    body: { schema: redriveMessagesBodySchema, isOptional: true },
    answers: { 200: { description: 'How many', schema: messagesRedrivenSchema } },
    problems: [],
  },
})
