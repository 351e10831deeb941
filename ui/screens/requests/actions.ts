import type { VNode } from 'preact'
import type { RequestView } from '../../../client/contracts.ts'
import { hasty } from '../../api.ts'
import { html } from '../../html.ts'
import { action, CANCEL, RETRY } from '../../parts/action.ts'
import { curlEntries } from '../../parts/copy.ts'
import { ask } from '../../parts/dialog.ts'
import { textOf } from '../../parts/form.ts'
import { JsonField } from '../../parts/json-field.ts'
import { Menu } from '../../parts/menu.ts'
import { tell } from '../../parts/toast.ts'

interface ActionProps {
  request: RequestView
  /** The signal that the current step waits for, where the plan is known. */
  signal: string | undefined
  isWaiting: boolean
  done: () => void
}

const SIGNAL = { word: 'Signal', drawing: 'signal', scope: 'jobs:write' } as const

/** What can be done with a request now. */
export function RequestActions({ request, signal, isWaiting, done }: ActionProps): VNode {
  const id = request.request_id
  const isRetryable = request.status === 'failed' || request.status === 'cancelled'
  const over = request.finished_at === null ? null : 'The request has ended.'
  const path = `/v1/requests/${id}`
  return html`
    ${action({ ...SIGNAL, isPrimary: isWaiting, not: over, run: () => sendSignal(id, signal, done) })}
    ${
      isRetryable
        ? action({ ...RETRY, isPrimary: true, run: () => retry(id, done) })
        : action({ ...CANCEL, not: over, run: () => cancel(id, done) })
    }
    <${Menu} id="more" label="More" drawing="more">
      ${curlEntries([
        ['get', 'GET', path],
        ['cancel', 'POST', `${path}/cancel`, {}],
        ['signal', 'POST', `${path}/signals/${signal ?? 'NAME'}`, { extras: {} }],
      ])}
    </${Menu}>`
}

const sendSignal = (id: string, signal: string | undefined, done: () => void): void =>
  ask({
    title: 'Send a signal',
    text: 'The step that waits for it goes on; a signal that comes early is kept for its step.',
    verb: 'Send the signal',
    fields: html`
      <label class="field"><span>Name</span><input name="name" required defaultValue=${signal ?? ''} autofocus /></label>
      <${JsonField} name="extras" word="Extras" rows="4" example='{"approved_by": "Ann"}' isObject
        hint="A JSON object, merged into the extras of the request." />`,
    run: async (form) => {
      const extras = textOf(form, 'extras')
      const name = textOf(form, 'name')
      await hasty.signalRequest(
        id,
        name,
        extras === '' ? {} : { extras: JSON.parse(extras) as Record<string, unknown> },
      )
      tell(`The signal ${name} is sent.`)
      done()
    },
  })

const retry = (id: string, done: () => void): void =>
  ask({
    title: 'Retry this request',
    text: 'It goes on where it stopped. What was completed is not done again.',
    verb: 'Retry',
    run: async () => {
      await hasty.retryRequest(id)
      tell('The request goes on.')
      done()
    },
  })

const cancel = (id: string, done: () => void): void =>
  ask({
    title: 'Cancel this request',
    text: 'Its running jobs are cancelled, and nothing more starts.',
    verb: 'Cancel the request',
    isDanger: true,
    fields: html`<label class="field"><span>Reason</span><input name="reason" maxlength="1000" /></label>`,
    run: async (form) => {
      const reason = textOf(form, 'reason')
      await hasty.cancelRequest(id, reason === '' ? {} : { reason })
      tell('The request is cancelled.')
      done()
    },
  })
