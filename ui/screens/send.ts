import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { JobAccepted, TypeView } from '../../client/contracts.ts'
import { call, hasty, say } from '../api.ts'
import { html } from '../html.ts'
import { useLoad } from '../load.ts'
import { action } from '../parts/action.ts'
import { copyAsCurl } from '../parts/copy.ts'
import { formOf, numberOf, textOf } from '../parts/form.ts'
import { card, Head } from '../parts/head.ts'
import { note, when } from '../parts/states.ts'
import { tell } from '../parts/toast.ts'
import { go, place, setQuery } from '../route.ts'
import { whyNot } from '../session.ts'
import { type Draft, takeDraft } from './send/draft.ts'
import { PayloadFields } from './send/payload-fields.ts'

/** A new job: a form made of the schema of its type, with the JSON beside it. */
export function Send(): VNode {
  const [draft] = useState(takeDraft)
  const types = useLoad('types', (signal) => hasty.types.list({ signal }), { isLive: false })
  return html`<${Head} title="Send a job" sub="It is stored before the answer comes." />
    ${when(types, (all) => html`<${SendForm} types=${all.filter(({ policy }) => !policy.internal)} draft=${draft} />`)}`
}

const PRIORITIES = ['high', 'normal', 'low']

function SendForm({ types, draft }: { types: TypeView[]; draft: Draft }): VNode {
  const named = place.value.query.get('type') ?? draft.type ?? types[0]?.type ?? ''
  const type = types.find((each) => each.type === named)
  const [payload, setPayload] = useState(JSON.stringify(draft.payload ?? {}, null, 2))
  const [error, setError] = useState<unknown>(undefined)
  const [isSending, setSending] = useState(false)
  useEffect(() => setError(undefined), [named])
  const submit = async (event: SubmitEvent) => {
    const form = formOf(event)
    setSending(true)
    try {
      const body = bodyOf(form, named, payload)
      if ((event.submitter as HTMLButtonElement | null)?.value === 'curl')
        return await copyAsCurl('POST', '/v1/jobs', body)
      const { job_id } = await call<JobAccepted>({ method: 'POST', path: '/v1/jobs', body })
      tell('The job is stored.')
      go(`/jobs/${job_id}`)
    } catch (thrown) {
      setError(thrown)
    } finally {
      setSending(false)
    }
  }
  const why = whyNot('jobs:write')
  return html`<form class="stack" onSubmit=${submit}>
    <div class="card"><div class="body fields">
      <label class="field"><span>Type</span><select name="type" value=${named}
        onChange=${(event: Event) => setQuery({ type: (event.currentTarget as HTMLSelectElement).value })}>
        ${types.map((each) => html`<option key=${each.type} value=${each.type}>${each.type}</option>`)}</select></label>
      <label class="field"><span>Object</span><input name="object" required maxlength="512"
        defaultValue=${draft.object_id ?? `by-hand-${named}`} />
        <span class="hint">What the job is about.</span></label>
      <label class="field"><span>Priority</span><select name="priority">${PRIORITIES.map(
        (each) => html`<option key=${each} selected=${each === (draft.priority ?? 'normal')}>${each}</option>`,
      )}</select></label>
      <label class="field"><span>Start</span><input name="at" type="datetime-local" step="1" /><span
        class="hint">Left empty: now.</span></label>
      <label class="field"><span>Attempts</span><input name="attempts" type="number" min="1" max="100"
        placeholder=${type?.policy.max_attempts} /></label>
      <label class="field"><span>Tags</span><input name="tags" placeholder="customer:42 nightly"
        defaultValue=${draft.tags?.join(' ') ?? ''} /></label>
    </div></div>
    ${card(
      'Payload',
      html`<${PayloadFields} key=${named} schema=${type?.payload_schema ?? null} payload=${payload}
      setPayload=${setPayload} />`,
    )}
    ${error !== undefined && note('bad', 'failed', html`<span role="alert">${say(error)}</span>`)}
    <div class="row">
      ${
        why === null
          ? html`<button class="button primary"
        disabled=${isSending}>${isSending ? 'Sending …' : 'Send the job'}</button>`
          : action({ word: 'Send the job', drawing: 'send', scope: 'jobs:write', run: () => undefined })
      }
      <button class="button" value="curl">Copy as curl</button>
    </div>
  </form>`
}

function bodyOf(form: FormData, type: string, payload: string): Record<string, unknown> {
  const at = textOf(form, 'at')
  const tags = textOf(form, 'tags')
    .split(/\s+/)
    .filter((tag) => tag !== '')
  const attempts = numberOf(form, 'attempts')
  return {
    object_id: textOf(form, 'object'),
    type,
    ...(payload.trim() === '' ? {} : { payload: JSON.parse(payload) as unknown }),
    ...(textOf(form, 'priority') === 'normal' ? {} : { priority: textOf(form, 'priority') }),
    ...(at === '' ? {} : { run_at: new Date(at).toISOString() }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(tags.length === 0 ? {} : { tags }),
  }
}
