import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { isReached } from './api.ts'
import { html } from './html.ts'
import { isBrokerAway } from './live.ts'
import { DialogHost } from './parts/dialog.ts'
import { Head } from './parts/head.ts'
import { icon } from './parts/icon.ts'
import { loading, problem } from './parts/states.ts'
import { Toasts } from './parts/toast.ts'
import { place, to } from './route.ts'
import { findScreen, loadScreen } from './screens.ts'
import { session } from './session.ts'
import { Login } from './shell/login.ts'
import { Side } from './shell/side.ts'

const AWAY = 'Hasty does not answer. What you see is as old as its last answer; the page tries again by itself.'
const BROKER_AWAY = 'The broker is away: nothing new is accepted, and what you see may be old. Hasty goes on by itself.'

/** What is wrong with all screens at once; null: nothing. */
function troubleOf(): string | null {
  if (!isReached.value) return AWAY
  return isBrokerAway.value ? BROKER_AWAY : null
}

/** The frame and the screen in it; instead of both the login, where a token is needed. */
export function App(): VNode {
  const { state } = session.value
  if (state === 'asking') return html`<main aria-busy="true">${loading(8)}</main>`
  if (state === 'out') return html`<${Login} why=${session.value.why} /><${Toasts} />`
  const trouble = troubleOf()
  return html`<a class="skip" href="#main">Skip to the screen</a>
    <div class="frame">
      <header class="topbar">
        <button class="button plain icon-only" popovertarget="side" aria-label="Screens">${icon('menu')}</button>
        <a class="brand" href=${to('')}>Hasty</a>
        <a class="button small" href=${to('/send')}>${icon('send')} Send</a>
      </header>
      <${Side} />
      <main id="main">
        ${trouble !== null && html`<div class="banner" role="alert">${icon('away')} ${trouble}</div>`}
        <div class="screen"><${Outlet} /></div>
      </main>
    </div>
    <${DialogHost} /><${Toasts} />`
}

function Outlet(): VNode {
  const { path } = place.value
  const found = findScreen(path)
  const [failed, setFailed] = useState<unknown>(undefined)
  const [, redraw] = useState(0)
  useEffect(() => {
    if (found === null || found.screen !== null) return
    loadScreen(found.pattern).then(() => redraw((n) => n + 1), setFailed)
  }, [found?.pattern])
  if (found === null)
    return html`<${Head} title="There is no such screen" sub=${html`<a href=${to('')}>Go to the overview.</a>`} />`
  if (failed !== undefined) return problem(failed, () => location.reload())
  if (found.screen === null) return loading(8)
  return html`<${found.screen} key=${path} parts=${found.parts} />`
}
