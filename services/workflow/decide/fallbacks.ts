import type { Input } from './decide.ts'
import type { TaskEnd } from './end-task.ts'
import { isObject } from './merge-patch.ts'

export interface Turn {
  inputs: Input[]
  /** Whoever asked for these is told that there is no room. */
  refused: Input[]
  /** It adds so little that it may use what is kept free for it. */
  isBrief: boolean
}

/**
 * What is tried, one after the other, where a request with these inputs would be too large. The ends of jobs are in all
 * of it: nobody tells them again. Callers are told no; then the request ends, with the ends whole, or brief at last.
 */
export function fallbacksFor(inputs: Input[]): Turn[] {
  const refused = inputs.filter(({ kind }) => kind === 'signal' || kind === 'retry')
  const told = inputs.filter((input) => !refused.includes(input))
  const whole: Turn = { inputs, refused: [], isBrief: false }
  const withoutCallers: Turn = { inputs: told, refused, isBrief: false }
  if (told.length === 0) return [whole, withoutCallers]
  const cancels = told.filter(({ kind }) => kind === 'cancel')
  const ends = told.filter(({ kind }) => kind === 'task-ended')
  const stop: Input[] = [...cancels, { kind: 'too-large' }]
  return [
    whole,
    ...(refused.length > 0 ? [withoutCallers] : []),
    { inputs: [...stop, ...ends], refused, isBrief: false },
    { inputs: [...stop, ...ends.map(briefly)], refused, isBrief: true },
  ]
}

/** What is left of these inputs where the request is to end: the ends of its jobs, without all that may be at fault. */
export const inputsToBreak = (inputs: Input[], message: string): Input[] => [
  { kind: 'broken', message },
  ...inputs.filter(({ kind }) => kind === 'task-ended').map(briefly),
]

/** The status alone; the rest is at the job. Small, and of a size that does not depend on what happened. */
function briefly(input: Input): Input {
  if (input.kind !== 'task-ended') return input
  const { task, end } = input
  const { status, result, at } = end
  const brief: TaskEnd = { status, attempts: [], result: null, error: null, at }
  if (status !== 'completed') return { ...input, end: { ...brief, error: NO_ROOM.error } }
  // What comes after it would miss them: a retry runs it again.
  if (task.step !== null && isObject(result) && isObject(result['extras']))
    return { ...input, end: { ...brief, status: 'failure', error: NO_ROOM.extras } }
  return { ...input, end: { ...brief, ...(result === null ? {} : { result_omitted: true }) } }
}

const noRoom = (message: string) => ({ name: 'RequestTooLarge', message, code: 'request-too-large' })
const NO_ROOM = {
  error: noRoom('The request has no room for the outcome. Read it at the job itself.'),
  extras: noRoom('The job completed, but the request has no room for the extras that it returned.'),
}
