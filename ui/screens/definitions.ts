import type { VNode } from 'preact'
import type { DefinitionList } from '../../client/contracts.ts'
import { hasty } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { ago } from '../parts/ago.ts'
import { Head } from '../parts/head.ts'
import { type Column, list } from '../parts/list.ts'
import { empty, when } from '../parts/states.ts'
import { addressOf, to } from '../route.ts'

type Definition = DefinitionList['items'][number]

/** Stored plans of requests. */
export function Definitions(): VNode {
  const definitions = useLoad('definitions', (signal) => hasty.listDefinitions({ signal }), { isLive: false })
  return html`
    <${Head} title="Definitions" sub="Plans of requests, kept by name and version." />
    <div class="card">${when(definitions, (rows) =>
      rows.length === 0
        ? empty(
            'There are no definitions',
            'PUT /v1/definitions/<name> stores a plan; a request may then name it.',
            'definitions',
          )
        : list<Definition>({
            caption: 'Definitions',
            rows,
            keyOf: ({ name, tenant }) => `${tenant ?? ''} ${name}`,
            columns,
          }),
    )}</div>`
}

const columns: Column<Definition>[] = [
  {
    head: 'Definition',
    look: 'first',
    cell: ({ name, tenant }) => html`
      <a class="main-link" href=${to(addressOf('/definitions', { name, tenant }))}>${name}</a>
      ${tenant !== undefined && html`<div class="second">tenant ${tenant}</div>`}`,
  },
  { head: 'Version', look: 'num', cell: ({ version }) => String(version) },
  { head: 'Since', look: 'tight', cell: ({ created_at }) => ago(created_at) },
]
