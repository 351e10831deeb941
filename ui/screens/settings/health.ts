import type { VNode } from 'preact'
import type { SystemHealth } from '../../../client/contracts.ts'
import { hasty } from '../../api.ts'
import { html } from '../../html.ts'
import { useLoad } from '../../load.ts'
import { ago } from '../../parts/ago.ts'
import { factsOf } from '../../parts/facts.ts'
import { card } from '../../parts/head.ts'
import { when } from '../../parts/states.ts'
import { status } from '../../parts/status.ts'
import { to } from '../../route.ts'
import { bytes, count, counted, duration } from '../../words.ts'

/** How broker, store, log and workers are, and the settings of the api that answers. */
export function Health(): VNode {
  const loaded = useLoad('health', (signal) => hasty.overview.health({ signal }))
  const shown = when(
    loaded,
    (health) => html`<div class="two">
      ${card('Health', factsOf(checksOf(health)), status(health.status === 'ok' ? 'live' : 'stalled', health.status))}
      <div class="stack">${logCard(health)} ${card('Store', factsOf(storeOf(health)))}</div>
      ${card('Replicas', factsOf(replicasOf(health)))}
      ${card('Settings of this api', factsOf(settingsOf(health)))}
    </div>`,
  )
  return loaded.data === undefined ? html`<div class="card">${shown}</div>` : html`${shown}`
}

const wordsOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')

const checksOf = ({ checks, details, version }: SystemHealth) => ({
  ...Object.fromEntries(
    Object.entries({ ...checks, ...details }).map(([name, said]) => [
      wordsOf(name),
      said === 'ok' ? status('live', 'ok') : said,
    ]),
  ),
  Version: version,
})

/** Beyond this share of its limits the log should be looked at: new jobs are refused when it is full. */
const FULL_SOON = 0.8

function logCard({ log }: SystemHealth): VNode {
  if (log === null) return card('Log', html`<p class="body muted">The broker does not answer.</p>`)
  const percent = log.used * 100
  return card(
    'Log',
    html`<div class="body stack tight">
      <div class="row nowrap"><span class="bar grow" role="img"
        aria-label=${`${percent.toFixed(1)} % of its limits are used`}>
        <i class=${log.used > FULL_SOON ? 'bad' : ''} style=${{ width: `${Math.max(0.5, percent)}%` }}></i></span>
        <span>${percent.toFixed(1)} % used</span></div>
      ${factsOf({
        Messages: count(log.messages),
        Size: `${bytes(log.bytes)} of ${bytes(log.max_bytes)}`,
        'Jobs at most': count(log.max_jobs),
        Sequences: `${count(log.first_seq)} to ${count(log.last_seq)}`,
        Since: ago(log.created),
      })}
    </div>`,
  )
}

const storeOf = ({ store }: SystemHealth) => ({
  Kind: store.kind === 'sqlite' ? 'SQLite, embedded' : 'MongoDB',
  'Behind the log': store.lag_ms === null ? 'not known' : duration(store.lag_ms),
  'Not applied yet': store.lag_messages === null ? null : counted(store.lag_messages, 'message'),
  'As of': ago(store.as_of),
  Generation: String(store.generation),
  Rebuild: store.rebuilding ? status('running', 'runs') : null,
})

const replicasOf = ({ replicas }: SystemHealth) => ({
  'This api': html`<code>${replicas.api}</code>`,
  Keeper: replicas.keeper === null ? status('stalled', 'none') : html`<code>${replicas.keeper}</code>`,
  Workers:
    replicas.workers === null
      ? 'not known'
      : html`<ul class="stack tight">${replicas.workers.map(
          ({ worker_id, running, slots, lends }) => html`<li key=${worker_id}>
            <a class="mono" href=${to(`/workers/${encodeURIComponent(worker_id)}`)}>${worker_id}</a>
            <span class="muted"> ${count(running)} of ${counted(slots, 'slot')}${lends && ', lends over HTTP'}</span>
          </li>`,
        )}</ul>`,
})

const settingsOf = ({ settings }: SystemHealth) =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, html`<code>${String(value)}</code>`]))
