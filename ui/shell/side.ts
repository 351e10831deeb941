import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import { isReached } from '../api.ts'
import { html } from '../html.ts'
import { isFollowing } from '../live.ts'
import { type IconName, icon } from '../parts/icon.ts'
import { place, to } from '../route.ts'
import { isOpenToAll, logOut, session } from '../session.ts'
import { THEMES, theme } from '../theme.ts'
import { showKeys } from './keys-help.ts'

type Entry = [address: string, word: string, drawing: IconName]

const GROUPS: Entry[][] = [
  [
    ['', 'Overview', 'overview'],
    ['/jobs', 'Jobs', 'jobs'],
    ['/failed', 'Failed', 'failed'],
    ['/requests', 'Requests', 'requests'],
    ['/schedules', 'Schedules', 'schedules'],
  ],
  [
    ['/types', 'Types', 'types'],
    ['/workers', 'Workers', 'workers'],
    ['/messages', 'Messages', 'messages'],
    ['/definitions', 'Definitions', 'definitions'],
  ],
  [
    ['/tenants', 'Tenants', 'tenants'],
    ['/settings', 'Settings', 'settings'],
  ],
]

/** The list of screens, and who looks at them. On a phone it slides in. */
export function Side(): VNode {
  const { path } = place.value
  useEffect(() => {
    const side = document.querySelector<HTMLElement>('#side')
    if (side?.matches(':popover-open')) side.hidePopover()
  }, [path])
  return html`<nav class="side" id="side" popover="auto" aria-label="Screens">
    <a class="brand" href=${to('')}><${Mark} /> Hasty</a>
    <a class="button primary send" href=${to('/send')}>${icon('send')} Send a job</a>
    ${GROUPS.map(
      (group, n) =>
        html`<ul key=${n}>${group.map(
          ([address, word, drawing]) => html`<li key=${address}>
      <a href=${to(address)} aria-current=${isIn(path, address) ? 'page' : undefined}>${icon(drawing)} ${word}</a>
    </li>`,
        )}</ul>`,
    )}
    <div class="foot">
      <${Beat} />
      <${Who} />
      <div class="row">
        <button class="button plain small"
          onClick=${nextTheme}>${icon('sun')} ${THEME_WORDS[theme.value]}</button>
        <button class="button plain small" onClick=${showKeys}><kbd>?</kbd> Keys</button>
      </div>
    </div>
  </nav>`
}

const THEME_WORDS = { system: 'Auto', light: 'Light', dark: 'Dark' }

const isIn = (path: string, address: string): boolean =>
  address === '' ? path === '' : path === address || path.startsWith(`${address}/`)

const nextTheme = (): void => {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system'
}

/** The sign of the house, drawn here: it takes the accent of each theme. */
const Mark = (): VNode => html`<svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="8" fill="var(--accent-fill)" />
  <path d="M9 8v16M23 8v16M9 16h14" stroke="#fff" stroke-width="3.4" stroke-linecap="round" fill="none" />
</svg>`

function Beat(): VNode {
  const [look, word] = !isReached.value
    ? ['away', 'Not reached']
    : isFollowing.value
      ? ['live', 'Live']
      : ['paused', 'Held still']
  return html`<div class="row">
    <span class="beat grow ${look}">${word}</span>
    <button class="button plain small" onClick=${() => (isFollowing.value = !isFollowing.value)}>
      ${icon(isFollowing.value ? 'pause' : 'play')} ${isFollowing.value ? 'Hold' : 'Follow'}
    </button>
  </div>`
}

function Who(): VNode | null {
  if (session.value.state !== 'in' || isOpenToAll.value) return null
  const { subject, tenant, scopes } = session.value.caller
  return html`<div class="row">
    <span class="who grow" title=${`Scopes: ${scopes.join(', ')}`}>
      ${subject}${tenant !== null && html`<br />tenant ${tenant}`}
    </span>
    <button class="button plain small" onClick=${() => logOut()}>Log out</button>
  </div>`
}
