import type { PlanStep, RequestStatus, RequestView } from '#shared/contracts/http/requests.ts'
import type { JobError } from '#shared/contracts/log/job.ts'
import type { TaskAddress } from '#shared/ids/task-address.ts'

export type Json = Record<string, unknown>
export type StepStatus = RequestView['steps'][number]['status']
export type TaskStatus = RequestView['steps'][number]['jobs'][number]['status']
export type TaskAttempt = RequestView['steps'][number]['jobs'][number]['attempts'][number]

/** One job of a step; a `foreach` makes several. */
export interface Task {
  /** Its name, of a foreach with the number of the item. */
  key: string
  /** Which of the step's jobs it comes from. */
  job: number
  /** Of a foreach. */
  item?: unknown
  status: TaskStatus
  /** The request's round in which it was started last; part of the job's id. */
  round: number
  attempts: TaskAttempt[]
  result: unknown
  /** It is too large to be kept here: it is at the job. */
  result_omitted?: true
  error: JobError | null
  ended_at: string | null
  /** Which end of the request this was, as the record learned of it; 0: none. Workers' clocks tell no order. */
  end: number
  /** What it got as extras, where that is not what its step began with: it waited for others of the step. */
  extras_in?: Json
  /** It is to be cancelled, and has not ended yet. */
  cancelling?: true
}

export interface Step {
  status: StepStatus
  started_at: string | null
  ended_at: string | null
  /** When a sleeping step goes on; ISO. */
  wake_at: string | null
  /**
   * The extras when it began, which its jobs get: the same however often a crash makes them be made again. null: it has
   * not begun, or is to begin anew.
   */
  extras_in: Json | null
  /** The extras when it ended. */
  extras: Json | null
  tasks: Task[]
  /** Which job of this step wrote what is at a top-level member of the extras. */
  writers: Record<string, string>
}

export type RequestEvent = RequestView['events'][number]

export interface UndoTask extends Task {
  /** The step whose task of this key it undoes. */
  step: number
  /** What that task's job returned. */
  undoes: unknown
}

/** A request whole, as it is stored: plan, state and history in one record, written by compare-and-set. */
export interface RequestRecord {
  request_id: string
  tenant: string | null
  name: string | null
  definition: { name: string; version: number } | null
  /** The task of another request that this one is. */
  parent: { request_id: string; task: TaskAddress } | null
  /** 0, and one more than the parent's. */
  depth: number
  /** Of one that another began: the extras it was given. */
  began_with: Json | null
  status: RequestStatus
  /** Counts retries of the ended request; the first run is 1. */
  round: number
  params: Json
  extras: Json
  plan: PlanStep[]
  /** Index of the step it is at. */
  at_step: number
  steps: Step[]
  /** Tasks that undo completed ones after a failure: one after the other, the last completed first. null: none failed. */
  undo: UndoTask[] | null
  /** Those of earlier rounds: a retry does what was undone again. */
  undone: UndoTask[]
  signals: string[]
  /** The latest changes that callers asked for, by the ids of their HTTP requests: our own proxy may repeat one. */
  applied_request_ids: string[]
  /** How many ends of tasks it has learned of. */
  ends: number
  /** Of all results that are kept here, as JSON. */
  result_bytes: number
  error: JobError | null
  events: RequestEvent[]
  created_at: string
  updated_at: string
  finished_at: string | null
}

export const allTasks = ({ steps, undo }: RequestRecord): Task[] => [
  ...steps.flatMap(({ tasks }) => tasks),
  ...(undo ?? []),
]
export const isEnded = ({ status }: RequestRecord): boolean => status !== 'queuing' && status !== 'inprogress'
export const isRunning = ({ status }: Task): boolean => status === 'inprogress' || status === 'retry'
