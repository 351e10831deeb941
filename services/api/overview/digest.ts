import type { Digest, LiveType, RunState } from '#shared/contracts/http/live.ts'
import type { TypeView } from '#shared/contracts/http/types.ts'
import type { WorkerPresence } from '#shared/contracts/log/worker-presence.ts'
import { isoTime } from '#shared/time/clock.ts'
import type { Backlogs } from './backlogs.ts'
import type { Rates } from './rates.ts'

/** What the broker and the workers say. */
export interface BrokerFacts {
  types: TypeView[]
  workers: WorkerPresence[]
}

export interface DigestFacts {
  /** null: the broker does not answer. */
  facts: BrokerFacts | null
  /** Jobs of a tenant that wait or run, by type; null: the lanes say it for all jobs, or nobody. */
  counts: ReadonlyMap<string, number> | null
  rates: Pick<Rates, 'flows' | 'changedAt'>
  backlogs: Pick<Backlogs, 'look'>
  isOfTenant: boolean
  nowMs: number
}

/** Types of which nothing is to be told are left out beyond this number. */
const TYPES_SHOWN = 200

export function digestOf({ facts, counts, rates, backlogs, isOfTenant, nowMs }: DigestFacts): Digest {
  const { flows } = rates
  const served = new Set(facts?.workers.flatMap((worker) => worker.types))
  const views = new Map(facts?.types.map((view) => [view.type, view]))
  const names = new Set([...(isOfTenant ? [] : views.keys()), ...(counts?.keys() ?? []), ...(flows?.keys() ?? [])])
  const all = [...names].toSorted().map((name): [string, LiveType] => {
    const view = views.get(name)
    const waiting = isOfTenant ? (counts === null ? null : (counts.get(name) ?? 0)) : (view?.waiting ?? null)
    const running = isOfTenant ? null : (view?.running ?? null)
    const flow =
      flows === null ? { in: null, out: null, failed: null } : (flows.get(name) ?? { in: 0, out: 0, failed: 0 })
    const state = facts === null ? 'unknown' : stateOf({ waiting, running, out: flow.out }, view, served.has(name))
    return [name, { state, waiting, running, ...flow }]
  })
  const types = all.length > TYPES_SHOWN ? all.filter(([, type]) => isBusy(type)) : all
  return {
    t: isoTime(nowMs),
    types: Object.fromEntries(types),
    workers: facts === null ? null : facts.workers.filter(({ slots }) => slots > 0).length,
    verdict: verdictOf(facts, all, backlogs.look(all)),
    changed_jobs_at: rates.changedAt(nowMs),
  }
}

const isBusy = ({ state, waiting, running, in: accepted, out }: LiveType): boolean =>
  state === 'stalled' || [waiting, running, accepted, out].some((count) => (count ?? 0) > 0)

function stateOf(
  { waiting, running, out }: Pick<LiveType, 'waiting' | 'running' | 'out'>,
  view: TypeView | undefined,
  isServed: boolean,
): RunState {
  const isAnyTaken = (running ?? 0) > 0 && isServed
  if (isAnyTaken || (out ?? 0) > 0) return 'running'
  if ((waiting ?? 0) + (running ?? 0) === 0) return 'idle'
  if (view?.paused === true) return 'paused'
  return isServed ? 'running' : 'stalled'
}

/** @param growing the type whose backlog grows, and by how much; null: none does */
function verdictOf(
  facts: BrokerFacts | null,
  types: [string, LiveType][],
  growing: ReturnType<Backlogs['look']>,
): Digest['verdict'] {
  if (facts === null) {
    const detail = 'The broker does not answer: nothing is accepted, and nobody knows what waits.'
    return { code: 'broker_lost', type: null, detail }
  }
  const stalled = types.filter(([, { state }]) => state === 'stalled')
  const [worst] = stalled.toSorted(([, one], [, other]) => (other.waiting ?? 0) - (one.waiting ?? 0))
  if (worst !== undefined) {
    const [type, { waiting, running }] = worst
    const others = stalled.length > 1 ? `; ${stalled.length - 1} more types have none either` : ''
    const left = (waiting ?? 0) + (running ?? 0)
    const detail = `No live worker runs jobs of type ${type}: ${left} ${left === 1 ? 'waits' : 'wait'}${others}.`
    return { code: 'no_worker', type, detail }
  }
  if (growing !== null) {
    const { type, waiting, before, seconds } = growing
    const detail = `Jobs of type ${type} come faster than they are done: ${waiting} wait, ${before} did ${seconds} s ago.`
    return { code: 'backlog_growing', type, detail }
  }
  return { code: 'healthy', type: null, detail: 'Every type with jobs has a worker, and no backlog grows.' }
}
