import type { VNode } from 'preact'
import type { JobView } from '../../../client/contracts.ts'
import { hasty } from '../../api.ts'
import { html } from '../../html.ts'
import { action, CANCEL, menuAction, RETRY } from '../../parts/action.ts'
import { curlEntries } from '../../parts/copy.ts'
import { ask } from '../../parts/dialog.ts'
import { numberOf, textOf } from '../../parts/form.ts'
import { Menu } from '../../parts/menu.ts'
import { tell } from '../../parts/toast.ts'
import { go } from '../../route.ts'
import { reschedule } from '../jobs/change-each.ts'
import { keepDraft } from '../send/draft.ts'

/** What can be done with a job now. What cannot is shown too, with the reason. */
export function JobActions({ job, done }: { job: JobView; done: () => void }): VNode {
  const hasEnded = job.finished_at !== null
  const isRetryable = job.status === 'failed' || job.status === 'cancelled'
  const waits = job.phase === 'scheduled' || job.phase === 'retrying'
  const path = `/v1/jobs/${job.job_id}`
  return html`
    ${
      isRetryable
        ? action({ ...RETRY, isPrimary: true, run: () => retry(job, done) })
        : action({ ...CANCEL, not: hasEnded ? 'The job has ended.' : null, run: () => cancel(job, done) })
    }
    ${waits && action({ word: 'Start at …', drawing: 'schedules', scope: 'jobs:write', run: () => retime(job, done) })}
    <${Menu} id="more" label="More" drawing="more">
      ${menuAction({ word: 'Send again, edited', drawing: 'send', scope: 'jobs:write', run: () => resend(job) })}
      ${curlEntries([
        ['get', 'GET', path],
        ['send again', 'POST', '/v1/jobs', bodyOf(job)],
        isRetryable ? ['retry', 'POST', `${path}/retry`, {}] : ['cancel', 'POST', `${path}/cancel`, {}],
      ])}
    </${Menu}>`
}

const bodyOf = ({ object_id, type, payload, priority, tags }: JobView) => ({
  object_id,
  type,
  payload,
  ...(priority === 'normal' ? {} : { priority }),
  ...(tags === undefined ? {} : { tags }),
})

/** The form of a new job is filled with this one. */
function resend(job: JobView): void {
  keepDraft(bodyOf(job))
  go('/send')
}

const retry = (job: JobView, done: () => void): void =>
  ask({
    title: 'Retry this job',
    text: 'It begins a new round under the same id. Its history stays, and attempts are numbered on.',
    verb: 'Retry',
    fields: html`<div class="fields">
      <label class="field"><span>Attempts</span><input name="attempts" type="number" min="1" max="100"
        placeholder="as the type has it" /></label>
      <label class="field"><span>Time limit, ms</span><input name="timeout" type="number" min="1"
        placeholder=${job.timeout_ms} /></label>
    </div>`,
    run: async (form) => {
      await hasty.retry(job.job_id, { attempts: numberOf(form, 'attempts'), timeoutMs: numberOf(form, 'timeout') })
      tell('The job begins another round.')
      done()
    },
  })

const cancel = (job: JobView, done: () => void): void =>
  ask({
    title: 'Cancel this job',
    text: job.phase === 'running' ? 'Its handler is told to stop, wherever it runs.' : 'It will never start.',
    verb: 'Cancel the job',
    isDanger: true,
    fields: html`<label class="field"><span>Reason</span><input name="reason" maxlength="1000"
      placeholder="for those who read it later" /></label>`,
    run: async (form) => {
      const reason = textOf(form, 'reason')
      await hasty.cancel(job.job_id, reason === '' ? {} : { reason })
      tell('The job is cancelled.')
      done()
    },
  })

const retime = (job: JobView, done: () => void): void =>
  ask({
    title: 'Start at another time',
    text: 'A time that has passed starts it now.',
    verb: 'Set the time',
    fields: html`<label class="field"><span>Start</span><input name="at" type="datetime-local" step="1" /><span
      class="hint">Left empty: now.</span></label>`,
    run: async (form) => {
      const at = textOf(form, 'at')
      await reschedule(job.job_id, at === '' ? { delay_ms: 0 } : { run_at: new Date(at).toISOString() })
      tell('The job has another time.')
      done()
    },
  })
