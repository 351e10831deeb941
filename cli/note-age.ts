import type { JobList } from '../client/index.ts'
import type { Output } from './output.ts'

export type StoreAge = Pick<JobList, 'as_of' | 'lag_ms'>

/** Above it people would wonder why something they have just done is missing, milliseconds. */
const SHOWN_FROM_MS = 1_000

/** Says on stderr how old a list or a count is, where that matters. */
export function noteAge(out: Output, age: StoreAge | undefined): void {
  if (age === undefined) return
  if (age.as_of === null) out.note('The store has not followed the log yet: this may be incomplete.')
  else if ((age.lag_ms ?? 0) > SHOWN_FROM_MS)
    out.note(`As of ${age.as_of}, ${Math.round((age.lag_ms ?? 0) / 100) / 10} s ago: the store is behind.`)
}
