import { type DeadMessageList, type ListDeadMessagesQuery } from '#shared/contracts/http/dead-messages.ts'
import { messageOperations } from '#shared/contracts/http/operations/messages.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { readDead } from './read-dead.ts'
import { type RedriveMessagesDeps, redriveMessages } from './redrive-messages.ts'

export function deadMessagesRoutes(router: GuardedRouter, deps: RedriveMessagesDeps): void {
  router.serve(messageOperations.listDeadMessages, async (ctx, { query }) => {
    const { shard, cursor = 1, limit } = query
    const { dead, nextSeq } = await readDead(deps, { shard, fromSeq: cursor, limit })
    ctx.set('Cache-Control', 'no-cache')
    if (nextSeq !== null) ctx.set('Link', `<${addressOf({ ...query, cursor: nextSeq })}>; rel="next"`)
    ctx.body = {
      items: dead.map(({ view }) => view),
      next_cursor: nextSeq === null ? null : String(nextSeq),
    } satisfies DeadMessageList
  })
  router.serve(messageOperations.redriveMessages, async (ctx, { body }) => {
    ctx.body = await redriveMessages(deps, body)
  })
}

function addressOf(query: ListDeadMessagesQuery): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return `${messageOperations.listDeadMessages.path}?${parameters.toString()}`
}
