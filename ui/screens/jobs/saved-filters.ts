import { signal } from '@preact/signals'
import type { VNode } from 'preact'
import { html } from '../../html.ts'
import { ask } from '../../parts/dialog.ts'
import { textOf } from '../../parts/form.ts'
import { icon } from '../../parts/icon.ts'
import { Menu } from '../../parts/menu.ts'
import { go, place } from '../../route.ts'

interface Saved {
  name: string
  /** The parameters of the address. */
  query: string
}

const KEPT = 'hasty.filters'

function readSaved(): Saved[] {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '[]') as Saved[]
  } catch {
    return []
  }
}

const saved = signal(readSaved())

function keep(next: Saved[]): void {
  saved.value = next
  localStorage.setItem(KEPT, JSON.stringify(next))
}

/** Filters that the reader gave a name; they stay in this browser. */
export function SavedFilters(): VNode {
  const query = place.value.query.toString()
  const save = () =>
    ask({
      title: 'Keep this filter',
      text: 'It stays in this browser; to share it, share the address of this page.',
      verb: 'Keep it',
      fields: html`<label class="field"><span>Name</span><input name="name" required maxlength="60" autofocus />
        </label>`,
      run: async (form) => {
        const name = textOf(form, 'name')
        keep([...saved.peek().filter((each) => each.name !== name), { name, query }])
      },
    })
  return html`<${Menu} id="saved" label="Saved" drawing="more">
    ${saved.value.map(
      ({ name, query: own }) => html`<div key=${name} class="row">
      <button class="menu-item grow" onClick=${() => go(`/jobs?${own}`)}>${name}</button>
      <button class="button plain small icon-only" aria-label=${`Forget ${name}`}
        onClick=${() => keep(saved.peek().filter((each) => each.name !== name))}>${icon('close')}</button>
    </div>`,
    )}
    <button class="menu-item" disabled=${query === ''} onClick=${save}>${icon('filter')} Keep this filter …</button>
  </${Menu}>`
}
