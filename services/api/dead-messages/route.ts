import type Router from '@koa/router'
import {
  type DeadMessageList,
  type ListDeadMessagesQuery,
  listDeadMessagesQuerySchema,
  redriveMessagesBodySchema,
} from '#shared/contracts/http/dead-messages.ts'
import { readOptionalBody } from '#shared/http/read-body.ts'
import { readQuery } from '#shared/http/read-query.ts'
import { readDead } from './read-dead.ts'
import { type RedriveMessagesDeps, redriveMessages } from './redrive-messages.ts'

const PATH = '/v1/message/dead'

/** `GET /v1/message/dead` and `POST /v1/message/dead/redrive`. */
export function deadMessagesRoutes(router: Router, deps: RedriveMessagesDeps): void {
  router.get(PATH, async (ctx) => {
    const query = readQuery(ctx, listDeadMessagesQuerySchema)
    const { shard, cursor = 1, limit } = query
    const { dead, nextSeq } = await readDead(deps, { shard, fromSeq: cursor, limit })
    ctx.set('Cache-Control', 'no-cache')
    if (nextSeq !== null) ctx.set('Link', `<${addressOf({ ...query, cursor: nextSeq })}>; rel="next"`)
    ctx.body = {
      items: dead.map(({ view }) => view),
      next_cursor: nextSeq === null ? null : String(nextSeq),
    } satisfies DeadMessageList
  })
  router.post(`${PATH}/redrive`, async (ctx) => {
    ctx.body = await redriveMessages(deps, await readOptionalBody(ctx, redriveMessagesBodySchema))
  })
}

function addressOf(query: ListDeadMessagesQuery): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return `${PATH}?${parameters.toString()}`
}
