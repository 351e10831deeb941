import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { JobStats } from '../../../client/contracts.ts'
import { nowMs } from '../../clock.ts'
import { html } from '../../html.ts'
import { showDialog } from '../../parts/dialog.ts'
import { formOf, textOf } from '../../parts/form.ts'
import { icon } from '../../parts/icon.ts'
import { statusChips } from '../../parts/status-chips.ts'
import { go, place, setQuery } from '../../route.ts'
import { count } from '../../words.ts'
import { conditionsOf, FIELDS, fromLocal, readSearch, STATUSES, toLocal } from './filter.ts'
import { SavedFilters } from './saved-filters.ts'

const MINUTE = 60_000
const SPANS: [word: string, ms: number][] = [
  ['Last 15 min', 15 * MINUTE],
  ['Last hour', 60 * MINUTE],
  ['Last 24 h', 24 * 60 * MINUTE],
]

/** What is searched for: a field to type into, the statuses, and a chip for each further condition. */
export function FilterBar({ stats }: { stats: JobStats | undefined }): VNode {
  const { query } = place.value
  const given = conditionsOf(query)
  return html`<div class="stack tight">
    <div class="row">
      <${SearchField} />
      <button class="button" onClick=${showFields}>${icon('filter')} Filter</button>
      <${SavedFilters} />
    </div>
    ${statusChips(
      STATUSES,
      (status) =>
        html`${status} ${
          stats !== undefined &&
          status !== 'timeout' &&
          html`<span
          class="n">${count(stats.by_status[status])}</span>`
        }`,
    )}
    ${
      given.length > 0 &&
      html`<div class="chips" aria-label="Conditions">
      ${given.map(
        ({ name, word, value }) => html`<button key=${name} class="chip on" aria-label=${`Without ${word} ${value}`}
          onClick=${() => setQuery({ [name]: null })}>
        ${word} <b class="clip"><bdi>${value}</bdi></b> ${icon('close')}
      </button>`,
      )}
      <button class="link" onClick=${() => go('/jobs')}>Clear all</button>
    </div>`
    }
  </div>`
}

function SearchField(): VNode {
  const [fault, setFault] = useState('')
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const found = readSearch(textOf(new FormData(form), 'search'))
    setFault('fault' in found ? found.fault : '')
    // What is not understood stays, to be mended.
    if ('fault' in found) return
    form.reset()
    if ('jobId' in found) go(`/jobs/${found.jobId}`)
    else setQuery(found.changes)
  }
  return html`<form class="search" role="search" onSubmit=${submit}>
    ${icon('search')}
    <input type="search" name="search" placeholder="type:resize tag:customer:42 payload/width=200, or an id"
      aria-label="Search jobs" autocomplete="off" spellcheck=${false} />
    ${fault !== '' && html`<p class="wrong" role="alert">${fault}</p>`}
  </form>`
}

const showFields = (): void =>
  showDialog('Filter jobs', (close) => {
    const { query } = place.peek()
    const submit = (event: SubmitEvent) => {
      const form = formOf(event)
      const given = FIELDS.map(({ name, isTime }) => [
        name,
        isTime ? fromLocal(textOf(form, name)) : textOf(form, name),
      ])
      setQuery(Object.fromEntries(given))
      close()
    }
    const within = (ms: number) => {
      setQuery({ created_after: new Date(nowMs() - ms).toISOString(), created_before: null })
      close()
    }
    return html`<form class="stack" onSubmit=${submit}>
      <div class="chips">${SPANS.map(
        ([word, ms]) => html`<button key=${word} type="button" class="chip"
        onClick=${() => within(ms)}>${word}</button>`,
      )}</div>
      <div class="fields">${FIELDS.map(
        ({ name, word, hint, isTime }, n) => html`<label key=${name} class="field"><span>${word}</span>
        ${
          isTime
            ? html`<input name=${name} type="datetime-local" step="1" defaultValue=${toLocal(query.get(name) ?? '')} />`
            : html`<input name=${name} defaultValue=${query.get(name) ?? ''} placeholder=${hint} autocomplete="off"
          autofocus=${n === 0} />`
        }</label>`,
      )}</div>
      <div class="dialog-foot"><button type="button" class="button" onClick=${close}>Close</button><button
        class="button primary">Show these jobs</button></div>
    </form>`
  })
