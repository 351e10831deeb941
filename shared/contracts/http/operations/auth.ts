import { callerSchema, tokenBodySchema, tokenSchema } from '../tokens.ts'
import { operationsOf } from './operation.ts'

export const authOperations = operationsOf('Tokens', {
  issueToken: {
    method: 'post',
    path: '/token',
    scope: null,
    summary: 'Issue a short-lived token',
    description: 'The client credentials grant of OAuth 2, for clients added with `hasty admin add-client`.',
    body: { schema: tokenBodySchema, mediaTypes: { 'application/x-www-form-urlencoded': tokenBodySchema } },
    answers: { 200: { description: 'The token', schema: tokenSchema } },
    problems: ['invalid-client', 'invalid-scope'],
  },
  getCaller: {
    method: 'get',
    path: '/v1/caller',
    scope: 'any',
    summary: 'Show the subject, scopes and tenant of the token',
    answers: { 200: { description: 'The caller', schema: callerSchema } },
    problems: [],
  },
})
