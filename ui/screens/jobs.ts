import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { JobSummaryView } from '../../client/contracts.ts'
import type { JobCount, JobList } from '../../shared/contracts/http/job-list.ts'
import { get, hasty } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { ago } from '../parts/ago.ts'
import { Head } from '../parts/head.ts'
import { icon } from '../parts/icon.ts'
import { Pager } from '../parts/pager.ts'
import { empty, when } from '../parts/states.ts'
import { go, place, to } from '../route.ts'
import { count, counted, duration } from '../words.ts'
import { Bulk } from './jobs/bulk.ts'
import { filterOf } from './jobs/filter.ts'
import { FilterBar } from './jobs/filter-bar.ts'
import { JobTable } from './jobs/job-table.ts'

/** All jobs: searched, and changed many at a time. */
export function Jobs(): VNode {
  const { query } = place.value
  const filter = filterOf(query)
  const cursor = query.get('cursor') ?? undefined
  const key = JSON.stringify([filter, cursor])
  const stats = useLoad('stats', (signal) => hasty.stats({ signal }))
  const page = useLoad(key, (signal) => get<JobList>('/v1/jobs', { ...filter, cursor }, signal))
  const isFiltered = Object.keys(filter).length > 0
  const matching = useLoad(
    isFiltered ? `count ${JSON.stringify(filter)}` : null,
    (signal) => get<JobCount>('/v1/jobs/count', filter, signal),
    { gapMs: COUNT_GAP_MS },
  )
  const { rows, news, showNews } = useStill(key, page.data)
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set())
  useEffect(() => setPicked(new Set()), [key])
  const total = stats.data?.total
  const reload = () => {
    page.reload()
    stats.reload()
  }
  return html`
    <${Head} title="Jobs" sub=${sizeOf(total, matching.data) + lagOf(page.data)} />
    <${FilterBar} stats=${stats.data} />
    <${Bulk} picked=${picked} filter=${filter} done=${reload} clear=${() => setPicked(new Set())} />
    <div class="card" aria-busy=${String(page.data === undefined && page.error === undefined)}>
      ${news > 0 && html`<button class="news" onClick=${showNews}>${counted(news, 'new job')} since: show</button>`}
      ${when(
        page,
        ({ next_cursor, scanned_to }) => html`
          ${
            rows.length > 0
              ? html`<${JobTable} rows=${rows} picked=${picked} setPicked=${setPicked} />`
              : scanned_to === null && nothing(isFiltered, total)
          }
          ${
            scanned_to !== null &&
            html`<p
            class="scanned">No index knows this: searched back to ${ago(scanned_to)}. Next goes on from there.</p>`
          }
          <${Pager} text=${`${count(rows.length)} shown, newest first`} next=${next_cursor} />`,
        12,
      )}
    </div>`
}

/** Counting stops at 10,000: a filter that many jobs match is no reason to look at them all. */
const COUNT_GAP_MS = 10_000

function sizeOf(total: number | undefined, matching: JobCount | undefined): string {
  if (total === undefined) return ' '
  const inStore = `${counted(total, 'job')} in the store`
  if (matching === undefined) return inStore
  const more = matching.capped || matching.scanned_to !== null
  return `${count(matching.count)}${more ? ' or more' : ''} of ${counted(total, 'job')} match`
}

const lagOf = (page: JobList | undefined): string =>
  page?.lag_ms == null || page.lag_ms < 2_000 ? '' : `, as it was ${duration(page.lag_ms)} ago`

const nothing = (isFiltered: boolean, total: number | undefined): VNode =>
  isFiltered
    ? empty(
        'No job matches',
        html`<button class="link" onClick=${() => go('/jobs')}>Take all conditions away</button>${', '}
          or see whether the type or tag is spelt as you think.`,
        'search',
      )
    : empty(
        'There are no jobs yet',
        total === 0 ? 'Send one, and watch it run.' : '',
        'jobs',
        html`<a class="button primary" href=${to('/send')}>${icon('send')} Send a job</a>`,
      )

/** A row as it is shown; `isGone`: it is not on this page of the list any more. */
export type Row = JobSummaryView & { isGone?: boolean }

/**
 * Keeps the rows where they are while they change: nothing moves under a pointer. New rows are only counted, until the
 * reader asks for them.
 */
function useStill(key: string, page: JobList | undefined): { rows: Row[]; news: number; showNews: () => void } {
  const held = useRef<{ key: string; ids: string[]; last: Map<string, JobSummaryView> } | null>(null)
  const [, redraw] = useState(0)
  if (page === undefined) return { rows: [], news: 0, showNews: () => undefined }
  const current = new Map(page.items.map((job) => [job.job_id, job]))
  if (held.current?.key !== key || held.current.ids.length === 0)
    held.current = { key, ids: [...current.keys()], last: current }
  const { ids, last } = held.current
  for (const [id, job] of current) if (last.has(id)) last.set(id, job)
  const rows = ids.flatMap((id): Row[] => {
    const job = current.get(id)
    const known = last.get(id)
    return job !== undefined ? [job] : known !== undefined ? [{ ...known, isGone: true }] : []
  })
  const newest = last.get(ids[0] ?? '')?.created_at ?? ''
  const news = page.items.filter(({ job_id, created_at }) => !last.has(job_id) && created_at >= newest).length
  const showNews = () => {
    held.current = null
    redraw((n) => n + 1)
  }
  return { rows, news, showNews }
}
