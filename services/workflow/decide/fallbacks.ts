import type { Input } from './decide.ts'
import type { TaskEnd } from './end-task.ts'
import { isObject } from './merge-patch.ts'

export interface Turn {
  inputs: Input[]
  /** Inputs whose callers are told that there is no room. */
  refused: Input[]
  /** Whether the turn adds so little that it may use the reserved room. */
  isBrief: boolean
}

/**
 * The turns that are tried, one after the other, where a request with these inputs would be too large. All of them
 * include the ends of jobs, which nobody reports again. Callers are refused first; then the request ends, with whole
 * ends, or in the last resort with brief ones.
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

/** The inputs that remain where the request has to end: the ends of its jobs, without members that may be at fault. */
export const inputsToBreak = (inputs: Input[], message: string): Input[] => [
  { kind: 'broken', message },
  ...inputs.filter(({ kind }) => kind === 'task-ended').map(briefly),
]

/** The status alone; the rest is at the job. Its size is small and fixed. */
function briefly(input: Input): Input {
  if (input.kind !== 'task-ended') return input
  const { task, end } = input
  const { status, result, at } = end
  const brief: TaskEnd = { status, attempts: [], result: null, error: null, at }
  if (status !== 'completed') return { ...input, end: { ...brief, error: NO_ROOM.error } }
  // The tasks after it would miss the extras: a retry runs it again.
  if (task.step !== null && isObject(result) && isObject(result['extras']))
    return { ...input, end: { ...brief, status: 'failure', error: NO_ROOM.extras } }
  return { ...input, end: { ...brief, ...(result === null ? {} : { result_omitted: true }) } }
}

const noRoom = (message: string) => ({ name: 'RequestTooLarge', message, code: 'request-too-large' })
const NO_ROOM = {
  error: noRoom('The request has no room for the outcome. Read it at the job itself.'),
  extras: noRoom('The job completed, but the request has no room for the extras that it returned.'),
}
