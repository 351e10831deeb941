import type { VNode } from 'preact'
import type { ErrorList, ErrorView } from '../../shared/contracts/http/errors.ts'
import { get } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { action, RETRY } from '../parts/action.ts'
import { ago } from '../parts/ago.ts'
import { beforeMessage } from '../parts/error-line.ts'
import { Head } from '../parts/head.ts'
import { type Column, list } from '../parts/list.ts'
import { Pager } from '../parts/pager.ts'
import { sparkline } from '../parts/sparkline.ts'
import { empty, when } from '../parts/states.ts'
import { place, setQuery, to } from '../route.ts'
import { count, counted } from '../words.ts'
import { changeMatching } from './jobs/change-matching.ts'

/** What failed, grouped by its error: numbers, ids and paths in a message do not tell two errors apart. */
export function Failed(): VNode {
  const { query } = place.value
  const [type, cursor] = [query.get('type') ?? undefined, query.get('cursor') ?? undefined]
  const errors = useLoad(JSON.stringify([type, cursor]), (signal) =>
    get<ErrorList>('/v1/errors', { type, cursor }, signal),
  )
  return html`
    <${Head} title="Failed" sub="Failures of the same kind are one row: numbers, ids and paths do not tell them apart.">
      <a class="button" href=${to('/jobs?status=failed')}>All failed jobs</a>
    </${Head}>
    ${
      type !== undefined &&
      html`<div class="chips"><button class="chip on" aria-label=${`Without type ${type}`}
        onClick=${() => setQuery({ type: null })}>type <b>${type}</b> ×</button></div>`
    }
    <div class="card">${when(errors, ({ errors: rows, next_cursor }) =>
      rows.length === 0
        ? empty('Nothing has failed', 'Errors of jobs are grouped here as they happen.', 'check')
        : html`${list<ErrorView>({
            caption: 'Errors, last seen first',
            rows,
            keyOf: ({ type: own, fingerprint }) => own + fingerprint,
            columns: [...columns, redriveColumn(errors.reload)],
          })}<${Pager} text=${`${counted(rows.length, 'kind')} of errors shown, last seen first`}
            next=${next_cursor} />`,
    )}</div>`
}

const jobsOf = ({ fingerprint, type }: ErrorView): string =>
  fingerprint === 'other' ? `/jobs?status=failed&type=${type}` : `/jobs?status=failed&error=${fingerprint}`

const kindOf = ({ name, code, message }: ErrorView): string =>
  beforeMessage({ name: code === null ? name : `${name} ${code}`, message })

const columns: Column<ErrorView>[] = [
  {
    head: 'Error',
    look: 'first half',
    cell: (error) => html`
      <div class="two-lines"><a class="main-link" href=${to(jobsOf(error))}
        title=${error.message}>${kindOf(error)}<bdi>${error.message}</bdi>
          </a></div>
      <div class="second">${error.type}</div>`,
  },
  {
    head: 'Failed now',
    look: 'num',
    cell: ({ jobs_failed_now: now }) => (now === null ? '' : html`<strong>${count(now)}</strong>`),
  },
  { head: 'Ever', look: 'num', cell: ({ count: all }) => count(all) },
  { head: 'Last 24 h', look: 'tight', cell: ({ spark }) => sparkline(spark, 'bad') },
  { head: 'First', look: 'tight', cell: ({ first_at }) => ago(first_at) },
  { head: 'Last', look: 'tight', cell: ({ last_at }) => ago(last_at) },
  {
    head: 'Sample',
    look: 'tight',
    cell: ({ sample_job_id }) => html`<a
    href=${to(`/jobs/${sample_job_id}`)}>see one</a>`,
  },
]

const redriveColumn = (done: () => void): Column<ErrorView> => ({
  head: 'Actions',
  look: 'tight bare',
  cell: ({ fingerprint, jobs_failed_now: now }) =>
    action(
      {
        ...RETRY,
        word: 'Retry all',
        not:
          fingerprint === 'other'
            ? 'These are errors of many kinds.'
            : now === 0
              ? 'No job is failed with it now.'
              : null,
        run: () => changeMatching('retry', { error: fingerprint, status: 'failed' }, done),
      },
      'small',
    ),
})
