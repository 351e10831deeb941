import {
  PLAN_MAX_BYTES,
  type PlanJob,
  type PlanStep,
  REQUEST_MAX_CHILDREN,
  REQUEST_MAX_JOBS,
  REQUEST_MAX_STEPS,
} from '#shared/contracts/http/requests.ts'
import type { PlanError } from './plan-errors.ts'

/** Faults of a plan's size: a plan that is too large is not checked further. */
export function sizeErrors(plan: PlanStep[]): PlanError[] {
  if (plan.length === 0) return [{ pointer: '/steps', detail: 'must have at least one step' }]
  if (plan.length > REQUEST_MAX_STEPS)
    return [{ pointer: '/steps', detail: `must have at most ${REQUEST_MAX_STEPS} steps` }]
  const jobs = plan.reduce((sum, step) => sum + (step.jobs?.length ?? 0), 0)
  const children = plan.flatMap((step) => step.jobs ?? []).filter(({ definition }) => definition !== undefined).length
  if (children > REQUEST_MAX_CHILDREN)
    return [{ pointer: '/steps', detail: `must have at most ${REQUEST_MAX_CHILDREN} jobs that are requests` }]
  if (jobs > REQUEST_MAX_JOBS)
    return [{ pointer: '/steps', detail: `must have at most ${REQUEST_MAX_JOBS} jobs in all` }]
  if (Buffer.byteLength(JSON.stringify(plan)) <= PLAN_MAX_BYTES) return []
  return [{ pointer: '/steps', detail: `must have at most ${PLAN_MAX_BYTES} bytes` }]
}

/** Faults that can be seen in a plan by itself. */
export function shapeErrors(plan: PlanStep[]): PlanError[] {
  return [
    ...repeated(plan).map((n) => ({ pointer: `/steps/${n}/name`, detail: 'is already the name of an earlier step' })),
    ...repeatedSignals(plan).map((n) => ({
      pointer: `/steps/${n}/signal`,
      detail: 'is already awaited by an earlier step; a signal counts once',
    })),
    ...plan.flatMap((step, n) => stepErrors(step, `/steps/${n}`)),
  ]
}

function stepErrors(step: PlanStep, pointer: string): PlanError[] {
  const { jobs = [], signal, sleep_ms: sleepMs, sleep_until: sleepUntil } = step
  const kinds = [jobs.length > 0, signal !== undefined, sleepMs !== undefined, sleepUntil !== undefined]
  const count = kinds.filter(Boolean).length
  const detail =
    count === 0
      ? 'must have jobs, signal, sleep_ms or sleep_until'
      : 'may have only one of jobs, signal, sleep_ms and sleep_until'
  return [
    ...(count === 1 ? [] : [{ pointer, detail }]),
    ...repeated(jobs).map((n) => ({
      pointer: `${pointer}/jobs/${n}/name`,
      detail: 'is already the name of an earlier job of this step',
    })),
    ...needsErrors(jobs, `${pointer}/jobs`),
    ...forkErrors(jobs, `${pointer}/jobs`),
  ]
}

/** Indexes of those whose name has appeared before. */
function repeated(named: { name: string }[]): number[] {
  const first = new Map(named.map(({ name }, n): [string, number] => [name, n]).toReversed())
  return named.flatMap(({ name }, n) => (first.get(name) === n ? [] : [n]))
}

const repeatedSignals = (plan: PlanStep[]): number[] =>
  plan.flatMap(({ signal }, n) =>
    signal !== undefined && plan.findIndex((step) => step.signal === signal) < n ? [n] : [],
  )

/** Faults of a foreach over requests: each may create as many jobs again. */
const forkErrors = (jobs: PlanJob[], pointer: string): PlanError[] =>
  jobs.flatMap(({ foreach, definition }, n) =>
    foreach !== undefined && definition !== undefined
      ? [
          {
            pointer: `${pointer}/${n}/foreach`,
            detail: 'can make jobs but not requests; put the loop into one child request',
          },
        ]
      : [],
  )

function needsErrors(jobs: PlanJob[], pointer: string): PlanError[] {
  const names = new Set(jobs.map(({ name }) => name))
  const stuck = stuckJobs(jobs)
  return jobs.flatMap(({ name, needs = [] }, n) => [
    ...needs.flatMap((need, i) =>
      names.has(need) ? [] : [{ pointer: `${pointer}/${n}/needs/${i}`, detail: 'is not a job of this step' }],
    ),
    ...(stuck.has(name) ? [{ pointer: `${pointer}/${n}/needs`, detail: 'is part of a cycle' }] : []),
  ])
}

/**
 * The jobs that can never start: starts every job that has all that it needs, until no more can start; the rest wait
 * for each other.
 */
function stuckJobs(jobs: PlanJob[]): Set<string> {
  const waiting = new Map(jobs.map(({ name }): [string, Set<string>] => [name, new Set()]))
  const neededBy = new Map<string, string[]>()
  for (const { name, needs = [] } of jobs) {
    for (const need of needs.filter((other) => waiting.has(other))) {
      waiting.get(name)?.add(need)
      neededBy.set(need, [...(neededBy.get(need) ?? []), name])
    }
  }
  const ready = [...waiting].filter(([, needs]) => needs.size === 0).map(([name]) => name)
  for (const done of ready) {
    waiting.delete(done)
    for (const name of neededBy.get(done) ?? []) {
      const needs = waiting.get(name)
      if (needs?.delete(done) && needs.size === 0) ready.push(name)
    }
  }
  return new Set(waiting.keys())
}
