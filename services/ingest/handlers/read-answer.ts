import { isObject, textOf } from '#shared/errors/foreign.ts'

/** The outcome of one message: done, to be tried again, or never to be tried again. */
export type MessageOutcome = 'done' | { retry: string } | { failed: string }

/**
 * The outcome of each message of a batch, from its handler's return value or its endpoint's answer. Without a member
 * `outcomes` all are done, whatever the value is: a database's reply to an insert is not meant for Hasty.
 * @throws an error that says what is wrong with invalid outcomes
 */
export function readAnswer(answer: unknown, count: number): MessageOutcome[] {
  const outcomes = isObject(answer) && 'outcomes' in answer ? answer.outcomes : undefined
  if (outcomes === undefined || outcomes === null) return Array.from({ length: count }, () => 'done')
  if (!Array.isArray(outcomes)) throw new Error('outcomes: must be a list, one for each message')
  const { length } = outcomes as unknown[]
  if (length !== count) throw new Error(`the handler returned ${length} outcomes for ${count} messages`)
  return Array.from({ length: count }, (_, place) => readOutcome((outcomes as unknown[])[place], place))
}

function readOutcome(outcome: unknown, place: number): MessageOutcome {
  if (outcome === 'done') return 'done'
  if (isObject(outcome) && 'failed' in outcome) return { failed: textOf(outcome.failed) }
  if (isObject(outcome) && 'retry' in outcome) return { retry: textOf(outcome.retry) }
  throw new Error(
    `outcomes/${place}: must be "done", {"retry": "why"} or {"failed": "why"}, got ${textOf(outcome, 100)}`,
  )
}
