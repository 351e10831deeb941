import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { NewSchedule, ScheduleView } from '../../../client/contracts.ts'
import { hasty } from '../../api.ts'
import { html } from '../../html.ts'
import { ask } from '../../parts/dialog.ts'
import { numberOf, textOf } from '../../parts/form.ts'
import { JsonField } from '../../parts/json-field.ts'
import { segments } from '../../parts/segments.ts'
import { tell } from '../../parts/toast.ts'
import { addressOf, go } from '../../route.ts'

/** A form for a schedule: a new one, or one that is there. */
export const editSchedule = (schedule: ScheduleView | null, done: () => void = () => undefined): void =>
  ask({
    title: schedule === null ? 'New schedule' : `Edit ${schedule.name}`,
    text: 'Each tick makes one job.',
    verb: schedule === null ? 'Create' : 'Save',
    fields: html`<${Fields} schedule=${schedule} />`,
    run: async (form) => {
      const name = schedule?.name ?? textOf(form, 'name')
      const saved = await hasty.schedules.put(name, bodyOf(form), { tenant: schedule?.tenant })
      tell(`${name} is saved.`)
      done()
      if (schedule === null) go(addressOf('/schedules', saved))
    },
  })

function bodyOf(form: FormData): NewSchedule {
  const every = numberOf(form, 'every')
  const [cron, timezone, payload, object] = ['cron', 'timezone', 'payload', 'object'].map((name) => textOf(form, name))
  return {
    ...(every === undefined ? { cron, timezone: timezone || 'UTC' } : { every_ms: every * 1000 }),
    on_missed: textOf(form, 'missed') as NonNullable<NewSchedule['on_missed']>,
    job: {
      type: textOf(form, 'type'),
      ...(payload ? { payload: JSON.parse(payload) as unknown } : {}),
      ...(object ? { object_id: object } : {}),
    },
  }
}

const MISSED = [
  ['latest', 'make up for the latest'],
  ['skip', 'skip'],
  ['all', 'make up for each'],
]

function Fields({ schedule }: { schedule: ScheduleView | null }): VNode {
  const [by, setBy] = useState(schedule?.every_ms == null ? 'cron' : 'every')
  const zone = schedule?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone
  const { job } = schedule ?? {}
  const payload = job?.payload === undefined ? '' : JSON.stringify(job.payload, null, 2)
  return html`<div class="stack tight">
    ${
      schedule === null &&
      html`<label class="field"><span>Name</span><input name="name" required
      placeholder="nightly-report" /></label>`
    }
    ${segments(
      'How often',
      [
        ['cron', 'By cron'],
        ['every', 'Every so often'],
      ],
      by,
      setBy,
    )}
    ${
      by === 'cron'
        ? html`<div class="fields" key="cron">
            <label class="field"><span>Cron</span><input name="cron" required class="mono" placeholder="0 3 * * *"
              defaultValue=${schedule?.cron ?? ''} /><span class="hint">minute, hour, day, month, weekday</span></label>
            <label class="field"><span>Time zone</span><input name="timezone" defaultValue=${zone} /></label></div>`
        : html`<label class="field" key="every"><span>Seconds between ticks</span>
            <input name="every" type="number" min="1" required
              defaultValue=${schedule?.every_ms == null ? '' : schedule.every_ms / 1000} /></label>`
    }
    <div class="fields">
      <label class="field"><span>Type of its jobs</span><input name="type" required defaultValue=${job?.type ?? ''} /></label>
      <label class="field"><span>Object</span><input name="object" defaultValue=${job?.object_id ?? ''}
        placeholder="schedule:<name>" /></label>
      <label class="field"><span>Missed ticks</span><select name="missed">${MISSED.map(
        ([value, word]) => html`<option key=${value} value=${value}
        selected=${value === (schedule?.on_missed ?? 'latest')}>${word}</option>`,
      )}</select></label>
    </div>
    <${JsonField} name="payload" word="Payload" rows="5" example='{"width": 200}' initial=${payload} />
  </div>`
}
