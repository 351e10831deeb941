import type { VNode } from 'preact'
import type { DeadMessageList, DeadMessageView, MessageShard } from '../../client/contracts.ts'
import { get, hasty } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { action } from '../parts/action.ts'
import { ago } from '../parts/ago.ts'
import { ask, closeFoot, showDialog } from '../parts/dialog.ts'
import { card, Head } from '../parts/head.ts'
import { json } from '../parts/json.ts'
import { type Column, list } from '../parts/list.ts'
import { Pager } from '../parts/pager.ts'
import { empty, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { tile } from '../parts/tile.ts'
import { tell } from '../parts/toast.ts'
import { place, setQuery } from '../route.ts'
import { count, counted } from '../words.ts'

/** Messages on their way into batches, and those that no attempt could process. */
export function Messages(): VNode {
  const { query } = place.value
  const filter = { shard: query.get('shard') ?? undefined, cursor: query.get('cursor') ?? undefined }
  const workers = useLoad('messages', (signal) => hasty.messageWorkers({ signal }))
  const dead = useLoad(JSON.stringify(filter), (signal) => get<DeadMessageList>('/v1/message/dead', filter, signal))
  const redriveAll = action({
    word: 'Redrive',
    drawing: 'again',
    scope: 'admin',
    not: dead.data?.items.length === 0 ? 'There are no dead messages.' : null,
    run: () => redrive(filter.shard, dead.reload),
  })
  return html`
    <${Head} title="Messages" sub="Small pieces of data, each handled once in a batch." />
    ${when(workers, ({ shards, messages_total }) => {
      const sum = (of: (shard: MessageShard) => number) => shards.reduce((all, shard) => all + of(shard), 0)
      const died = sum(({ dead_total }) => dead_total)
      return html`<div class="tiles">
          ${tile('Processed', count(messages_total))} ${tile('Waiting', count(sum(({ waiting }) => waiting)))}
          ${tile('Open batches', count(sum(({ open_batches }) => open_batches)))}
          ${tile('Died', count(died), null, died > 0 ? 'bad' : '')}
        </div>
        ${card('Shards', shardsOf(shards))}`
    })}
    ${card(
      'Dead messages',
      when(dead, ({ items, next_cursor }) =>
        items.length === 0
          ? empty('No message is dead', 'What no attempt can process is kept here until somebody redrives it.', 'check')
          : html`${list<DeadMessageView>({
              caption: 'Dead messages, oldest death first',
              rows: items,
              keyOf: ({ shard, seq }) => `${shard}.${seq}`,
              columns: deadColumns,
            })}
            <${Pager} text=${`${count(items.length)} shown, oldest death first`} next=${next_cursor} />`,
      ),
      html`${
        filter.shard !== undefined &&
        html`<button class="chip on"
        onClick=${() => setQuery({ shard: null })}>shard ${filter.shard} ×</button>`
      } ${redriveAll}`,
    )}`
}

const shardsOf = (rows: MessageShard[]): VNode =>
  rows.length === 0
    ? empty('There are no shards', 'No ingest service has started yet.', 'messages')
    : list<MessageShard>({ caption: 'Shards', rows, keyOf: ({ shard }) => String(shard), columns: shardColumns })

const shardColumns: Column<MessageShard>[] = [
  {
    head: 'Shard',
    look: 'first tight',
    cell: ({ shard }) =>
      html`<button class="link" onClick=${() => setQuery({ shard: String(shard) })}>Shard ${shard}</button>`,
  },
  {
    head: 'Owner',
    cell: ({ replica_id }) =>
      replica_id === null ? status('stalled', 'nobody') : html`<span class="clip mono">${replica_id}</span>`,
  },
  { head: 'Waiting', look: 'num', cell: ({ waiting }) => count(waiting) },
  { head: 'Open batches', look: 'num', cell: ({ open_batches }) => count(open_batches) },
  { head: 'Died', look: 'num', cell: ({ dead_total }) => count(dead_total) },
]

const deadColumns: Column<DeadMessageView>[] = [
  {
    head: 'Message',
    look: 'first',
    cell: (message) =>
      html`<button class="link mono clip"
        onClick=${() => showMessage(message)}>${JSON.stringify(message.value ?? null).slice(0, 80)}</button>`,
  },
  { head: 'Shard', look: 'num', cell: ({ shard }) => String(shard) },
  { head: 'Attempts', look: 'num', cell: ({ attempts }) => String(attempts) },
  { head: 'Died', look: 'tight', cell: ({ died_at }) => ago(died_at) },
  {
    head: 'Error',
    look: 'wide half',
    cell: ({ error }) => html`<div class="second clip" title=${error}><bdi>${error}</bdi></div>`,
  },
]

const showMessage = (message: DeadMessageView): void =>
  showDialog('Dead message', (close) => html`${json(message, 'The message')}${closeFoot(close)}`, { isWide: true })

function redrive(shard: string | undefined, done: () => void): void {
  const whose = shard === undefined ? 'All dead messages' : `Those of shard ${shard}`
  ask({
    title: 'Redrive dead messages',
    text: `${whose} go back to be processed once more. Mend first what they died of.`,
    verb: 'Redrive',
    run: async () => {
      let [all, until] = [0, undefined as number | undefined]
      for (;;) {
        const answer = await hasty.redriveMessages({
          ...(shard === undefined ? {} : { shard: Number(shard) }),
          ...(until === undefined ? {} : { until }),
        })
        all += answer.redriven
        until = answer.until
        if (!answer.is_more) break
      }
      tell(`${counted(all, 'message')} go back.`)
      done()
    },
  })
}
