import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { askWho, say } from '../api.ts'
import { html } from '../html.ts'
import { formOf, textOf } from '../parts/form.ts'
import { note } from '../parts/states.ts'
import { session, useClient, useToken } from '../session.ts'

const WAYS = ['token', 'client'] as const

/** Asks for a token, or for a client's id and secret, which get one. Neither goes into a cookie. */
export function Login({ why }: { why: string | null }): VNode {
  const [way, setWay] = useState<(typeof WAYS)[number]>('token')
  const [error, setError] = useState(why)
  const [isAsking, setAsking] = useState(false)
  useEffect(() => {
    document.title = 'Log in · Hasty'
  }, [])
  const submit = async (event: SubmitEvent) => {
    const form = formOf(event)
    const text = (name: string) => textOf(form, name)
    setAsking(true)
    try {
      if (way === 'token') useToken(text('token'))
      else await useClient(text('id'), text('secret'))
      await askWho()
      if (session.value.state === 'out') setError(session.value.why ?? 'This token is not valid.')
    } catch (thrown) {
      setError(say(thrown))
    } finally {
      setAsking(false)
    }
  }
  return html`<main class="login">
    <form class="card" onSubmit=${submit}>
      <h1 tabindex="-1">Log in to Hasty</h1>
      <div class="chips" role="group" aria-label="How">
        ${WAYS.map(
          (each) => html`<button key=${each} type="button" class="chip" aria-pressed=${String(way === each)}
            onClick=${() => setWay(each)}>
          ${each === 'token' ? 'With a token' : 'With a client’s secret'}
        </button>`,
        )}
      </div>
      ${
        way === 'token'
          ? html`<label class="field" key="token"><span>Token</span>
            <textarea name="token" rows="4" required spellcheck=${false} autocomplete="off" autofocus></textarea>
            <span class="hint">It stays in this tab, and is forgotten with it.${' '}
              <code>npx hasty token</code> prints one.</span></label>`
          : html`<div class="stack" key="client">
            <label class="field"><span>Client id</span><input name="id" required autocomplete="username" autofocus />
              </label>
            <label class="field"><span>Client secret</span><input name="secret" type="password" required
              autocomplete="current-password" />
              <span class="hint">It stays in this page’s memory, and renews the token while the page is open.</span>
                </label></div>`
      }
      ${error !== null && note('bad', 'lock', html`<span role="alert">${error}</span>`)}
      <button class="button primary" disabled=${isAsking}>${isAsking ? 'Asking …' : 'Log in'}</button>
    </form>
  </main>`
}
