import { changeTypeBodySchema, typesSchema, typeViewSchema } from '#shared/contracts/http/types.ts'
import type { Operation } from '../operation.ts'

const type = { description: 'The type', schema: typeViewSchema }

export const typeOperations: Operation[] = [
  {
    method: 'get',
    path: '/v1/types',
    id: 'listTypes',
    tag: 'Types',
    summary: 'The job types there are',
    answers: { 200: { description: 'All of them', schema: typesSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/types/{type}',
    id: 'getType',
    tag: 'Types',
    summary: 'Read a job type',
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  {
    method: 'patch',
    path: '/v1/types/{type}',
    id: 'changeType',
    tag: 'Types',
    summary: 'Change how many jobs of a type run at once',
    description: 'Over all workers, at once, and until it is changed again.',
    body: { schema: changeTypeBodySchema },
    answers: { 200: type },
    problems: ['unknown-type@404'],
  },
  ...(['pause', 'resume'] as const).map(
    (verb): Operation => ({
      method: 'post',
      path: `/v1/types/{type}/${verb}`,
      id: `${verb}Type`,
      tag: 'Types',
      summary: verb === 'pause' ? 'Start no more jobs of a type' : 'Start jobs of a type again',
      answers: { 200: type },
      problems: ['unknown-type@404'],
    }),
  ),
]
