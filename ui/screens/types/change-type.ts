import type { TypeView } from '../../../client/contracts.ts'
import { hasty } from '../../api.ts'
import { html } from '../../html.ts'
import type { Action } from '../../parts/action.ts'
import { ask } from '../../parts/dialog.ts'
import { numberOf, textOf } from '../../parts/form.ts'
import { tell } from '../../parts/toast.ts'
import { go } from '../../route.ts'
import { counted } from '../../words.ts'

/** Pausing is asked for first; resuming is not. */
export const pauseOrResume = ({ type, paused, waiting }: TypeView, done: () => void): Action =>
  paused
    ? { word: 'Resume', drawing: 'play', scope: 'admin', run: () => resume(type, done) }
    : { word: 'Pause', drawing: 'pause', scope: 'admin', run: () => pause(type, waiting, done) }

const resume = (type: string, done: () => void): void =>
  ask({
    title: `Resume ${type}`,
    text: 'Waiting jobs start again.',
    verb: 'Resume',
    run: async () => {
      await hasty.types.resume(type)
      tell(`${type} runs again.`)
      done()
    },
  })

const pause = (type: string, waiting: number, done: () => void): void =>
  ask({
    title: `Pause ${type}`,
    text: `No job of the type starts until it is resumed; ${counted(waiting, 'job')} wait now. Running jobs go on.`,
    verb: 'Pause',
    run: async () => {
      await hasty.types.pause(type)
      tell(`${type} is paused.`)
      done()
    },
  })

export const changeLimit = ({ type, concurrency }: TypeView, done: () => void): void =>
  ask({
    title: `Jobs of ${type} at once`,
    text: 'Counted over all workers. A limited type has one line: priorities do not order its jobs.',
    verb: 'Set the limit',
    fields: html`<label class="field"><span>At most</span>
      <input name="limit" type="number" min="1" max="100000" defaultValue=${concurrency ?? ''}
        placeholder="no limit" autofocus /></label>`,
    run: async (form) => {
      await hasty.types.setConcurrency(type, numberOf(form, 'limit') ?? null)
      tell(`The limit of ${type} is changed.`)
      done()
    },
  })

export const registerType = (done: () => void): void =>
  ask({
    title: 'Register a type',
    text: 'Its jobs are claimed by workers over HTTP, written in any language.',
    verb: 'Register',
    fields: html`<div class="fields">
      <label class="field"><span>Name</span>
        <input name="type" required pattern="[a-z][a-z0-9_\\-]{0,63}" placeholder="shrink" autofocus /></label>
      <label class="field"><span>Attempts</span><input name="attempts" type="number" min="1" placeholder="3" /></label>
      <label class="field"><span>Time limit, ms</span>
        <input name="timeout" type="number" min="1" placeholder="46000" /></label>
    </div>`,
    run: async (form) => {
      const type = textOf(form, 'type')
      const [attempts, timeout] = [numberOf(form, 'attempts'), numberOf(form, 'timeout')]
      const policy = {
        ...(attempts === undefined ? {} : { max_attempts: attempts }),
        ...(timeout === undefined ? {} : { timeout_ms: timeout }),
      }
      await hasty.types.put(type, { policy })
      tell(`${type} is registered.`)
      done()
      go(`/types/${type}`)
    },
  })
