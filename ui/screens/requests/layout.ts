// Where the jobs of a step stand: those that need others stand below them, the items of a foreach are one node.

import type { RequestView } from '../../../client/contracts.ts'
import type { PlanJob } from '../../../shared/contracts/http/requests.ts'

/** A step that waits says for what; one of an api of an earlier version does not. */
export type Waiting<Step> = Step & { signal?: string | undefined; sleep_until?: string | undefined }

export type StepJob = RequestView['steps'][number]['jobs'][number]

export interface Node {
  name: string
  /** One job, or the items of a foreach. */
  jobs: StepJob[]
  isForeach: boolean
  /** Its jobs are requests of their own. */
  isRequest: boolean
  /** Names of nodes of the same step that had to complete first. */
  needs: string[]
}

const ITEM = /^(.+)\[\d+\]$/

/** @param plan the jobs of the step in its plan, where the plan is known */
export function rowsOf(jobs: readonly StepJob[], plan: readonly PlanJob[] | undefined): Node[][] {
  const nodes = new Map<string, Node>()
  for (const job of jobs) {
    const [, item] = ITEM.exec(job.name) ?? []
    const name = item ?? job.name
    const planned = plan?.find((each) => each.name === name)
    const node = nodes.get(name) ?? {
      name,
      jobs: [],
      isForeach: item !== undefined || planned?.foreach !== undefined,
      isRequest: planned?.definition !== undefined,
      needs: planned?.needs ?? [],
    }
    node.jobs.push(job)
    nodes.set(name, node)
  }
  const rows: Node[][] = []
  for (const node of nodes.values()) (rows[depthOf(node, nodes)] ??= []).push(node)
  return rows.filter((row) => row !== undefined)
}

/** The longest path of needs to the node. The check of plans has refused circles. */
function depthOf({ needs }: Node, nodes: ReadonlyMap<string, Node>): number {
  const needed = needs.flatMap((name) => nodes.get(name) ?? [])
  return needed.length === 0 ? 0 : 1 + Math.max(...needed.map((node) => depthOf(node, nodes)))
}

export interface Tally {
  state: StepJob['status']
  done: number
  failed: number
  whole: number
}

/** The state of a node in one word, and how many of its jobs have ended. */
export function tallyOf(jobs: readonly StepJob[]): Tally {
  const many = (...states: StepJob['status'][]) => jobs.filter(({ status }) => states.includes(status)).length
  const failed = many('failure')
  const done = many('completed', 'skipped')
  const first = (['failure', 'retry', 'inprogress', 'cancelled', 'new', 'skipped'] as const).find(
    (state) => many(state) > 0,
  )
  const isWhole = done === jobs.length && many('completed') > 0
  return { state: isWhole ? 'completed' : (first ?? 'completed'), done, failed, whole: jobs.length }
}
