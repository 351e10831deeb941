import type { VNode } from 'preact'
import type { TypeView } from '../../client/contracts.ts'
import { hasty } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { action } from '../parts/action.ts'
import { Head } from '../parts/head.ts'
import { type Column, list } from '../parts/list.ts'
import { empty, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { to } from '../route.ts'
import { count, duration } from '../words.ts'
import { pauseOrResume, registerType } from './types/change-type.ts'
import { stateOf } from './types/type-state.ts'

/** All job types: what waits, what runs, and whether anybody works on it. */
export function Types(): VNode {
  const types = useLoad('types', (signal) => hasty.types.list({ signal }))
  const register = action({
    word: 'Register a type',
    drawing: 'types',
    scope: 'admin',
    run: () => registerType(types.reload),
  })
  return html`
    <${Head} title="Types" sub="What jobs there are, and how they run over all workers.">${register}</${Head}>
    <div class="card">${when(types, (rows) =>
      rows.length === 0
        ? empty('There are no types', 'A handler in HANDLERS_DIR makes one, or a worker over HTTP.', 'types')
        : list<TypeView>({
            caption: 'Job types',
            rows,
            keyOf: ({ type }) => type,
            columns: [...columns, pauseColumn(types.reload)],
          }),
    )}</div>`
}

const columns: Column<TypeView>[] = [
  {
    head: 'Type',
    look: 'first',
    cell: ({ type, policy }) => html`
      <a class="main-link" href=${to(`/types/${type}`)}>${type}</a>
      <div class="second">${policy.runner === 'http' ? 'workers over HTTP' : 'handler'}</div>`,
  },
  { head: 'State', look: 'tight bare', cell: (type) => status(stateOf(type)) },
  { head: 'Waiting', look: 'num', cell: ({ waiting }) => count(waiting) },
  { head: 'Running', look: 'num', cell: ({ running }) => count(running) },
  {
    head: 'Concurrency',
    look: 'num',
    cell: ({ concurrency }) => (concurrency === null ? 'no limit' : count(concurrency)),
  },
  { head: 'Attempts', look: 'num', cell: ({ policy }) => String(policy.max_attempts) },
  { head: 'Time limit', look: 'num', cell: ({ policy }) => duration(policy.timeout_ms) },
]

const pauseColumn = (reload: () => void): Column<TypeView> => ({
  head: 'Actions',
  look: 'tight bare',
  cell: (type) => action(pauseOrResume(type, reload), 'small'),
})
