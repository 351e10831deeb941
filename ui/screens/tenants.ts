import type { VNode } from 'preact'
import type { ScheduleList, Series } from '../../client/contracts.ts'
import { get, hasty } from '../api.ts'
import { nowMs } from '../clock.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { formOf, textOf } from '../parts/form.ts'
import { Head } from '../parts/head.ts'
import { icon } from '../parts/icon.ts'
import { type Column, list } from '../parts/list.ts'
import { sparkline } from '../parts/sparkline.ts'
import { empty, when } from '../parts/states.ts'
import { place, setQuery, to } from '../route.ts'
import { session } from '../session.ts'
import { count, duration } from '../words.ts'
import { most, sumOf } from './overview/sum.ts'

const DAY_MS = 86_400_000
/** Tenants are asked for one by one: a page shows this many at most. */
const SHOWN = 20
/** Jobs among which tenants are looked for. */
const LATEST = 200

interface TenantDay {
  tenant: string
  points: Series['points']
}

/** Tenants, and what each did in a day. Nobody keeps a list of them: they are those who did something lately. */
export function Tenants(): VNode {
  const named = place.value.query.get('tenant')
  const own = session.value.state === 'in' ? session.value.caller.tenant : null
  const tenants = useLoad(
    `tenants ${named}`,
    async (signal) => {
      const names = own !== null ? [own] : await namesOf(named, signal)
      const from = new Date(nowMs() - DAY_MS)
      return Promise.all(
        names.slice(0, SHOWN).map(async (tenant): Promise<TenantDay> => {
          const { points } = await hasty.overview.series({ tenant, from, step: '1h', signal })
          return { tenant, points }
        }),
      )
    },
    { gapMs: 30_000 },
  )
  const submit = (event: SubmitEvent) => setQuery({ tenant: textOf(formOf(event), 'tenant') })
  return html`
    <${Head} title="Tenants" sub="What each did in the last 24 hours: those of the latest jobs and of the first schedules." />
    ${
      own === null &&
      html`<form class="search" role="search" onSubmit=${submit}>${icon('search')}
        <input type="search" name="tenant" aria-label="Name of a tenant"
          placeholder="Look for another tenant by its name" autocomplete="off" /></form>`
    }
    <div class="card">${when(tenants, (rows) =>
      rows.length === 0
        ? empty(
            'No job has a tenant',
            'A token with the claim tenant makes jobs that only this tenant sees.',
            'tenants',
          )
        : list<TenantDay>({ caption: 'Tenants and their last 24 hours', rows, keyOf: ({ tenant }) => tenant, columns }),
    )}</div>`
}

async function namesOf(named: string | null, signal: AbortSignal): Promise<string[]> {
  const [jobs, schedules] = await Promise.all([
    hasty.page({ limit: LATEST, signal }),
    get<ScheduleList>('/v1/schedules', {}, signal),
  ])
  const seen = [...jobs.items, ...schedules.items].flatMap(({ tenant }) => tenant ?? [])
  return [...new Set([...(named === null || named === '' ? [] : [named]), ...seen])]
}

const p95 = (points: Series['points'], what: 'wait' | 'run'): string => {
  const ms = most(points.map((point) => point[what]?.p95 ?? null))
  return ms === null ? '' : duration(ms)
}

const columns: Column<TenantDay>[] = [
  {
    head: 'Tenant',
    look: 'first',
    cell: ({ tenant }) => html`<a class="main-link"
      href=${to(`/jobs?tenant=${encodeURIComponent(tenant)}`)}>${tenant}</a>`,
  },
  {
    head: 'Accepted',
    look: 'num',
    cell: ({ points }) => html`${sparkline(
      points.map(({ accepted }) => accepted),
      'run',
    )}<span
      class="n">${count(sumOf(points, 'accepted'))}</span>`,
  },
  { head: 'Finished', look: 'num', cell: ({ points }) => count(sumOf(points, 'completed')) },
  { head: 'Failed', look: 'num', cell: ({ points }) => count(sumOf(points, 'failed')) },
  { head: 'Cancelled', look: 'num', cell: ({ points }) => count(sumOf(points, 'cancelled')) },
  { head: 'Queue p95', look: 'num', cell: ({ points }) => p95(points, 'wait') },
  { head: 'Run p95', look: 'num', cell: ({ points }) => p95(points, 'run') },
]
