import type { VNode } from 'preact'
import type { TypeView, WorkerView } from '../../client/contracts.ts'
import { hasty } from '../api.ts'
import { type Content, html } from '../html.ts'
import { useLoad } from '../load.ts'
import { action } from '../parts/action.ts'
import { factsOf } from '../parts/facts.ts'
import { card, Head } from '../parts/head.ts'
import { jsonCard } from '../parts/json.ts'
import { note, when } from '../parts/states.ts'
import { status } from '../parts/status.ts'
import { tile } from '../parts/tile.ts'
import { to } from '../route.ts'
import { whyNot } from '../session.ts'
import { backoffOf, count, counted, duration } from '../words.ts'
import { changeLimit, pauseOrResume } from './types/change-type.ts'
import { stateOf } from './types/type-state.ts'

/** One type: whether it runs, its rules, and the form of its payload. */
export function Type({ parts: [name = ''] }: { parts: string[] }): VNode {
  const loaded = useLoad(name, async (signal) => {
    const [type, stats] = await Promise.all([hasty.types.get(name, { signal }), hasty.stats({ signal })])
    return { type, counts: stats.by_type[name] ?? {} }
  })
  const canSeeWorkers = whyNot('admin') === null
  const workers = useLoad(canSeeWorkers ? 'workers' : null, (signal) => hasty.workers.list({ live: true, signal }))
  const parent = { word: 'Types', address: '/types' }
  if (loaded.data === undefined)
    return html`<${Head} title=${name} parent=${parent} /><div class="card">${when(loaded, () => '')}</div>`
  const { type, counts } = loaded.data
  const live = workers.data?.filter(({ types }) => types.includes(name))
  const isOurs = type.policy.runner === 'handler'
  const limit = {
    word: 'Limit',
    drawing: 'settings',
    scope: 'admin',
    run: () => changeLimit(type, loaded.reload),
  } as const
  return html`
    <${Head} title=${name} parent=${parent} sub=${status(stateOf(type))}>
      ${action(pauseOrResume(type, loaded.reload))} ${action(limit)}
      <a class="button" href=${to(`/send?type=${name}`)}>Send one</a>
    </${Head}>
    <${Verdict} type=${type} live=${live} />
    <div class="tiles">
      ${tile('Waiting', count(type.waiting), to(`/jobs?type=${name}&status=processing`))}
      ${tile('Running', `${count(type.running)}${type.concurrency === null ? '' : ` of ${count(type.concurrency)}`}`)}
      ${Object.entries(counts).map(([state, n]) => {
        const look = state === 'failed' && n > 0 ? 'bad' : ''
        return tile(state, count(n), to(`/jobs?type=${name}&status=${state}`), look)
      })}
      ${isOurs && live !== undefined && tile('Live workers', count(live.length), to('/workers'))}
    </div>
    <div class="two">
      <${Rules} type=${type} />
      ${
        type.payload_schema === null
          ? card('Payload', html`<p class="body muted">Any JSON value: the type has no schema.</p>`)
          : jsonCard('Schema of the payload', type.payload_schema)
      }
    </div>`
}

/** Says when a backlog has nobody who could work on it. */
function Verdict({ type, live }: { type: TypeView; live: WorkerView[] | undefined }): Content {
  if (type.paused) return note('warn', 'pause', `It is paused: no job starts. ${counted(type.waiting, 'job')} wait.`)
  if (type.waiting === 0 || type.running > 0) return null
  if (type.policy.runner === 'http')
    return note('warn', 'wait', `${counted(type.waiting, 'job')} wait for a worker that claims them over HTTP.`)
  return live?.length === 0
    ? note(
        'bad',
        'failed',
        html`<strong>Stalled:</strong> ${counted(type.waiting, 'job')} wait,${' '}
          and no live worker has a handler for the type.`,
      )
    : null
}

function Rules({ type: { policy, concurrency } }: { type: TypeView }): VNode {
  const { backoff } = policy
  const rules = {
    Runs: policy.runner === 'http' ? 'in workers that claim jobs over HTTP' : 'in the job service',
    Concurrency: concurrency === null ? 'no limit' : `${count(concurrency)} over all workers`,
    Attempts: `${policy.max_attempts}, at most ${policy.max_attempts_limit} if a job asks`,
    'Time limit': `${duration(policy.timeout_ms)}, at most ${duration(policy.timeout_max_ms)} if a job asks`,
    'At its time limit': { retry: 'tried again', fail: 'failed', cancel: 'cancelled' }[policy.on_timeout],
    'Back-off': backoffOf(backoff),
    'Of it by chance': backoff.jitter === 0 ? null : `${Math.round(backoff.jitter * 100)} %`,
    Cooldown: policy.cooldown ? 'an object cannot come again at once' : 'none',
    'Deaths of workers': `the job fails after ${policy.max_crashes}`,
    Batch:
      policy.batch === null
        ? null
        : `up to ${policy.batch.size} jobs a call, after ${duration(policy.batch.max_wait_ms)} at most`,
  }
  return card('Rules', factsOf(rules))
}
