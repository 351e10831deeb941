import type { VNode } from 'preact'
import { html } from '../html.ts'
import { areKeysOn, switchKeys } from '../keys.ts'
import { factsOf } from '../parts/facts.ts'
import { card, Head } from '../parts/head.ts'
import { segments } from '../parts/segments.ts'
import { isOpenToAll, logOut, session } from '../session.ts'
import { showKeys } from '../shell/keys-help.ts'
import { THEMES, theme } from '../theme.ts'
import { Health } from './settings/health.ts'

/** How the service is, what the page knows of its reader, and what the reader likes. */
export function Settings(): VNode {
  return html`
    <${Head} title="Settings" sub="How the service is, and how this page behaves in your browser." />
    <div class="two"><${ThisPage} /><${You} /></div>
    <${Health} />`
}

const THEME_WORDS = { system: 'As the system', light: 'Light', dark: 'Dark' }

function ThisPage(): VNode {
  const choices = THEMES.map((name) => [name, THEME_WORDS[name]] as const)
  const change = (event: Event) => switchKeys((event.currentTarget as HTMLInputElement).checked)
  return card(
    'This page',
    html`<div class="body stack tight">
      <div class="row"><span class="grow">Colours</span>
        ${segments('Colours', choices, theme.value, (name) => (theme.value = name))}</div>
      <label class="check"><span class="grow">Single letters are keys</span>
        <input type="checkbox" checked=${areKeysOn.value} onChange=${change} /></label>
      <div><button class="button small" onClick=${showKeys}>Show the keys</button></div>
    </div>`,
  )
}

function You(): VNode {
  const { value } = session
  if (value.state !== 'in' || isOpenToAll.value)
    return card(
      'You',
      html`<p class="body muted">No token is needed here: whoever reaches this address may do everything.</p>`,
    )
  const { subject, scopes, tenant } = value.caller
  return card(
    'You',
    html`${factsOf({ Subject: subject, Scopes: scopes.join(', '), Tenant: tenant ?? 'all tenants' })}
      <div class="body"><button class="button small" onClick=${() => logOut()}>Log out</button></div>`,
  )
}
