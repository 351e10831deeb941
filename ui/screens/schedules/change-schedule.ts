import type { ScheduleSummary } from '../../../client/contracts.ts'
import { hasty } from '../../api.ts'
import type { Action } from '../../parts/action.ts'
import { ask } from '../../parts/dialog.ts'
import { tell } from '../../parts/toast.ts'
import { go } from '../../route.ts'

type Named = Pick<ScheduleSummary, 'name' | 'tenant' | 'paused'>

export const triggerNow = ({ name, tenant }: Named, done: () => void): Action => ({
  word: 'Run now',
  drawing: 'play',
  scope: 'jobs:write',
  run: () =>
    ask({
      title: `Run ${name} now`,
      text: 'It makes one job at once. Its ticks stay as they are.',
      verb: 'Run now',
      run: async () => {
        const { job_id } = await hasty.schedules.trigger(name, { tenant })
        tell('The job is made.')
        done()
        go(`/jobs/${job_id}`)
      },
    }),
})

export const pauseOrResumeSchedule = ({ name, tenant, paused }: Named, done: () => void): Action => ({
  word: paused ? 'Resume' : 'Pause',
  drawing: paused ? 'play' : 'pause',
  scope: 'jobs:write',
  run: () =>
    ask({
      title: `${paused ? 'Resume' : 'Pause'} ${name}`,
      text: paused
        ? 'Its ticks count from now on.'
        : 'It makes no jobs until it is resumed, and does not make up for them.',
      verb: paused ? 'Resume' : 'Pause',
      run: async () => {
        await (paused ? hasty.schedules.resume(name, { tenant }) : hasty.schedules.pause(name, { tenant }))
        tell(`${name} is ${paused ? 'resumed' : 'paused'}.`)
        done()
      },
    }),
})

export const deleteSchedule = ({ name, tenant }: Named): Action => ({
  word: 'Delete',
  drawing: 'close',
  scope: 'jobs:write',
  isDanger: true,
  run: () =>
    ask({
      title: `Delete ${name}`,
      text: 'It makes no more jobs. Those that it made stay.',
      verb: 'Delete the schedule',
      isDanger: true,
      run: async () => {
        await hasty.schedules.delete(name, { tenant })
        tell(`${name} is deleted.`)
        go('/schedules')
      },
    }),
})
