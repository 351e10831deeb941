import type { VNode } from 'preact'
import { html } from '../../html.ts'
import { ago, lasting } from '../../parts/ago.ts'
import { errorLine } from '../../parts/error-line.ts'
import { type Column, list } from '../../parts/list.ts'
import { status } from '../../parts/status.ts'
import { to } from '../../route.ts'
import type { Row } from '../jobs.ts'

interface TableProps {
  rows: readonly Row[]
  picked: ReadonlySet<string>
  setPicked: (picked: ReadonlySet<string>) => void
}

/** One page of jobs, some of which may be picked. */
export function JobTable({ rows, picked, setPicked }: TableProps): VNode {
  const areAll = rows.every(({ job_id }) => picked.has(job_id))
  const toggle = (id: string) => {
    const next = new Set(picked)
    if (!next.delete(id)) next.add(id)
    setPicked(next)
  }
  const togglePage = () => setPicked(areAll ? new Set() : new Set(rows.map(({ job_id }) => job_id)))
  const box = (label: string) =>
    html`<input type="checkbox" checked=${areAll} onChange=${togglePage} aria-label=${label} />`
  const pick: Column<Row> = {
    head: 'Selected',
    top: box('Select this page'),
    look: 'check-cell bare',
    cell: ({ job_id, object_id }) =>
      html`<input type="checkbox" checked=${picked.has(job_id)} onChange=${() => toggle(job_id)}
        aria-label=${`Select ${object_id.slice(0, 120)}`} />`,
  }
  return html`<div class="pick-all check">${box('Select all of this page')} Select this page</div>
    ${list<Row>({
      caption: 'Jobs, newest first',
      columns: [pick, ...columns],
      rows,
      keyOf: ({ job_id }) => job_id,
      lookOf: ({ job_id, isGone }) => `${picked.has(job_id) ? 'picked' : ''} ${isGone ? 'gone' : ''}`,
    })}`
}

const columns: Column<Row>[] = [
  {
    head: 'Object',
    look: 'first half',
    cell: ({ job_id, object_id, type, tags }) => html`<div class="clip">
        <a class="main-link" href=${to(`/jobs/${job_id}`)}><bdi>${object_id.slice(0, 120)}</bdi></a>
      </div><div class="second clip">${type}${tags?.map((tag) => ` · ${tag}`)}</div>`,
  },
  {
    head: 'Status',
    look: 'tight bare',
    cell: ({ phase, isGone }) =>
      html`${status(phase)}${
        isGone &&
        html`<span class="second"
        title="It is on another page now, or does not match any more"> moved</span>`
      }`,
  },
  { head: 'Created', look: 'tight', cell: ({ created_at }) => ago(created_at) },
  {
    head: 'Took',
    look: 'num tight',
    cell: ({ started_at, finished_at, phase, due_at }) =>
      phase === 'scheduled' || phase === 'retrying'
        ? html`<span class="second">starts ${ago(due_at)}</span>`
        : lasting(started_at, finished_at),
  },
  {
    head: 'Attempts',
    look: 'num tight',
    cell: ({ attempts, max_attempts }) =>
      attempts.length === 0 ? '' : `${attempts.at(-1)?.attempt ?? 0} of ${max_attempts}`,
  },
  {
    head: 'Detail',
    look: 'wide half',
    cell: ({ error, reason, progress, phase }) =>
      error !== null
        ? errorLine(error)
        : phase === 'running' && progress !== null
          ? html`<span class="bar" title=${progress.message ?? ''}><i style=${{ width: `${progress.percent}%` }}></i>
            </span>`
          : (reason ?? ''),
  },
]
