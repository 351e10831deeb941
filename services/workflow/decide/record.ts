import type { PlanStep, RequestStatus, RequestView } from '#shared/contracts/http/requests.ts'
import type { JobError } from '#shared/contracts/log/job.ts'
import type { TaskAddress } from '#shared/ids/task-address.ts'

export type Json = Record<string, unknown>
export type StepStatus = RequestView['steps'][number]['status']
export type TaskStatus = RequestView['steps'][number]['jobs'][number]['status']
export type TaskAttempt = RequestView['steps'][number]['jobs'][number]['attempts'][number]

/** One job of a step; a `foreach` creates several. */
export interface Task {
  /** The job's name; for a foreach with the number of the item. */
  key: string
  /** Index of the step's job that the task comes from. */
  job: number
  /** The item of a foreach. */
  item?: unknown
  status: TaskStatus
  /** The request's round in which the task was last started; part of the job's id. */
  round: number
  attempts: TaskAttempt[]
  result: unknown
  /** The result is too large to be kept here: it is at the job. */
  result_omitted?: true
  error: JobError | null
  ended_at: string | null
  /**
   * Number of this end among the request's, in the order in which the record learned of them; 0: none. Workers' clocks
   * tell no order.
   */
  end: number
  /** The task's extras, where they differ from those with which its step began: it waited for others of the step. */
  extras_in?: Json
  /** The task is to be cancelled, and has not ended yet. */
  cancelling?: true
}

export interface Step {
  status: StepStatus
  started_at: string | null
  ended_at: string | null
  /** When a sleeping step continues; ISO. */
  wake_at: string | null
  /**
   * The extras when the step began, which its jobs get: the same however often a crash makes the jobs be created again.
   * null: the step has not begun, or is to begin anew.
   */
  extras_in: Json | null
  /** The extras when the step ended. */
  extras: Json | null
  tasks: Task[]
  /** Names of the jobs of this step that wrote each top-level member of the extras. */
  writers: Record<string, string>
}

export type RequestEvent = RequestView['events'][number]

export interface UndoTask extends Task {
  /** The step whose task of this key is undone. */
  step: number
  /** Result of that task's job. */
  undoes: unknown
}

/** A whole request as it is stored: plan, state and history in one record, written by compare-and-set. */
export interface RequestRecord {
  request_id: string
  tenant: string | null
  name: string | null
  definition: { name: string; version: number } | null
  /** The task of the parent request that this request carries out. */
  parent: { request_id: string; task: TaskAddress } | null
  /** 0, or one more than the parent's. */
  depth: number
  /** The extras that the parent gave to this request. */
  began_with: Json | null
  status: RequestStatus
  /** Counts retries of the ended request; the first run is 1. */
  round: number
  params: Json
  extras: Json
  plan: PlanStep[]
  /** Index of the current step. */
  at_step: number
  steps: Step[]
  /**
   * Tasks that undo completed ones after a failure: one after the other, the last completed first. null: nothing
   * failed.
   */
  undo: UndoTask[] | null
  /** Undo tasks of earlier rounds: a retry runs the undone tasks again. */
  undone: UndoTask[]
  signals: string[]
  /**
   * The ids under which the latest changes by callers were applied: a caller or our own proxy may repeat one. The name
   * is that of the stored record, which old and new replicas read.
   */
  asked: string[]
  /** Number of ends of tasks that the record has learned of. */
  ends: number
  /** Size of all results that are kept here, as JSON. */
  result_bytes: number
  error: JobError | null
  events: RequestEvent[]
  created_at: string
  updated_at: string
  finished_at: string | null
  /** Absent where no call with a trace has begun the present round. */
  trace?: {
    /** The W3C trace context of the call that began the round, or of the step that began a child. */
    parent: string
    /** That of the request's span in the round before. */
    before?: string
  }
}

export const allTasks = ({ steps, undo }: RequestRecord): Task[] => [
  ...steps.flatMap(({ tasks }) => tasks),
  ...(undo ?? []),
]
export const isEnded = ({ status }: RequestRecord): boolean => status !== 'queuing' && status !== 'inprogress'
export const isRunning = ({ status }: Task): boolean => status === 'inprogress' || status === 'retry'
