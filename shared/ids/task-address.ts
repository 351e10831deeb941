import { isJobId, jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { derivedJobId } from './ids.ts'

/** Which task of which request a job is, as its events say. */
export interface TaskAddress {
  /** Index of the step; null: it undoes a task of `undo_step`. */
  step: number | null
  undo_step?: number
  key: string
  round: number
}

/** Which task of which request a job is. It is the job's object_id, so that every event of the job says it. */
export const objectIdOf = (requestId: string, { step, undo_step, key, round }: TaskAddress): string =>
  `request:${[requestId, step ?? `undo-${undo_step}`, key, round].join(':')}`

const PATTERN = /^request:(?<id>[^:]+):(?:undo-(?<undo>\d+)|(?<step>\d+)):(?<key>[^:]+):(?<round>\d+)$/

/** @returns null for the job of nobody's request, also where its object_id, which anybody may choose, looks like one's */
export function taskOf(jobId: string, objectId: string): { requestId: string; task: TaskAddress } | null {
  const found = PATTERN.exec(objectId)?.groups
  if (found === undefined) return null
  const { id = '', undo, step, key = '', round } = found
  const where = undo === undefined ? { step: Number(step) } : { step: null, undo_step: Number(undo) }
  const task = { ...where, key, round: Number(round) }
  return isJobId(id) && taskJobId(id, task) === jobId ? { requestId: id, task } : null
}

/**
 * The id of a task's job follows from the task: however often it is made, and by however many replicas, there is one;
 * and whoever else names a request in an object_id has another id.
 */
export const taskJobId = (requestId: string, { step, undo_step, key, round }: TaskAddress): string =>
  derivedJobId(jobIdTimeMs(requestId), 'request', requestId, step ?? `undo-${undo_step}`, key, round)
