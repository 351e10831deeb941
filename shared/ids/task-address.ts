import { isJobId, jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { derivedJobId } from './ids.ts'

/** The task of a request that a job carries out. */
export interface TaskAddress {
  /** Index of the step; null: the job undoes a task of `undo_step`. */
  step: number | null
  undo_step?: number
  key: string
  round: number
}

/** The task's address as a text. It is the object_id of the task's job, so every event of the job names it. */
export const objectIdOf = (requestId: string, { step, undo_step, key, round }: TaskAddress): string =>
  `request:${[requestId, step ?? `undo-${undo_step}`, key, round].join(':')}`

const PATTERN = /^request:(?<id>[^:]+):(?:undo-(?<undo>\d+)|(?<step>\d+)):(?<key>[^:]+):(?<round>\d+)$/

/**
 * @returns null for a job that belongs to no request, even if its object_id, which anybody may choose, looks like one
 */
export function taskOf(jobId: string, objectId: string): { requestId: string; task: TaskAddress } | null {
  const found = PATTERN.exec(objectId)?.groups
  if (found === undefined) return null
  const { id = '', undo, step, key = '', round } = found
  const where = undo === undefined ? { step: Number(step) } : { step: null, undo_step: Number(undo) }
  const task = { ...where, key, round: Number(round) }
  return isJobId(id) && taskJobId(id, task) === jobId ? { requestId: id, task } : null
}

/**
 * The id of a task's job, derived from the task: however often the job is created, and by however many replicas, there
 * is one. A job of anybody else whose object_id names a request has another id.
 */
export const taskJobId = (requestId: string, { step, undo_step, key, round }: TaskAddress): string =>
  derivedJobId(jobIdTimeMs(requestId), 'request', requestId, step ?? `undo-${undo_step}`, key, round)
