import type { VNode } from 'preact'
import { hasty } from '../../api.ts'
import { html } from '../../html.ts'
import { action, CANCEL, RETRY } from '../../parts/action.ts'
import { ask } from '../../parts/dialog.ts'
import { statusesOf } from '../../parts/status-chips.ts'
import { tell } from '../../parts/toast.ts'
import { counted } from '../../words.ts'
import { changeEach, startNow } from './change-each.ts'
import { changeMatching } from './change-matching.ts'

interface BulkProps {
  picked: ReadonlySet<string>
  filter: Record<string, string>
  /** Called when something was changed. */
  done: () => void
  clear: () => void
}

const START = { word: 'Start now', drawing: 'play', scope: 'jobs:write' } as const
const RETRY_ALL = { ...RETRY, word: 'Retry all that match' }
const CANCEL_ALL = { ...CANCEL, word: 'Cancel all that match' }

/** What can be done with the picked jobs, or with all that match, shown or not. */
export function Bulk({ picked, filter, done, clear }: BulkProps): VNode | null {
  const isFiltered = Object.keys(filter).some((name) => name !== 'status')
  const statuses = statusesOf(filter['status'])
  const hasEnded = statuses.length > 0 && statuses.every((each) => ['failed', 'cancelled', 'timeout'].includes(each))
  const isOpen = statuses.every((each) => each === 'scheduled' || each === 'processing')
  if (picked.size > 0) return html`<${Picked} picked=${picked} done=${done} clear=${clear} />`
  if (!hasEnded && !(isFiltered && isOpen)) return null
  return html`<div class="row">
    ${hasEnded && action({ ...RETRY_ALL, run: () => changeMatching('retry', filter, done) })}
    ${isFiltered && isOpen && action({ ...CANCEL_ALL, run: () => changeMatching('cancel', filter, done) })}
    <span class="muted">A dry run comes first, and changes nothing.</span>
  </div>`
}

function Picked({ picked, done, clear }: Omit<BulkProps, 'filter'>): VNode {
  const many = counted(picked.size, 'job')
  const each = (verb: string, did: string, change: (id: string) => Promise<unknown>) =>
    ask({
      title: `${verb} ${many}`,
      text: `${many} of this page. Those that are not in a state for it are left as they are.`,
      verb,
      isDanger: verb === 'Cancel',
      run: async () => {
        const refused = await changeEach([...picked], change)
        tell(`${counted(picked.size - refused, 'job')} ${did}${refused > 0 ? `, ${refused} left as they are` : ''}.`)
        clear()
        done()
      },
    })
  return html`<div class="bulk" role="region" aria-label="Selected jobs">
    <strong>${many} selected</strong><span class="grow"></span>
    ${action({ ...RETRY, run: () => each('Retry', 'started again', (id) => hasty.retry(id)) })}
    ${action({ ...CANCEL, run: () => each('Cancel', 'cancelled', (id) => hasty.cancel(id)) })}
    ${action({ ...START, run: () => each('Start now', 'start now', startNow) })}
    <button class="button plain" onClick=${clear}>Clear</button>
  </div>`
}
