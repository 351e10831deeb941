import { callerSchema, tokenBodySchema, tokenSchema } from '#shared/contracts/http/tokens.ts'
import type { Operation } from '../operation.ts'

export const authOperations: Operation[] = [
  {
    method: 'post',
    path: '/token',
    id: 'issueToken',
    tag: 'Tokens',
    summary: 'Get a short-lived token',
    description: 'The client credentials grant of OAuth 2, for clients that `hasty admin add-client` has made.',
    body: { schema: tokenBodySchema, mediaTypes: { 'application/x-www-form-urlencoded': tokenBodySchema } },
    answers: { 200: { description: 'The token', schema: tokenSchema } },
    problems: ['invalid-client', 'invalid-scope'],
  },
  {
    method: 'get',
    path: '/v1/caller',
    id: 'getCaller',
    tag: 'Tokens',
    summary: 'Whose token this is, and what it allows',
    answers: { 200: { description: 'The caller', schema: callerSchema } },
    problems: [],
  },
]
