import { unavailable } from '#shared/runtime/errors.ts'
import { decide, type Input } from '../decide/decide.ts'
import type { RequestRecord } from '../decide/record.ts'
import type { RequestRecords, StoredRequest } from './request-records.ts'

export interface ChangeRequestDeps {
  records: RequestRecords
  clock: { now(): number }
  /** false: after the end of a job a request goes on at its times alone. */
  goesOnAtOnce: boolean
}

/** Other replicas may be faster. */
const MAX_TRIES = 100

/**
 * Reads, decides, compares and sets; again when somebody else was faster. What comes for a request while another change
 * of it is under way here is applied together: the jobs of a step often end at once, and would only be each other's rivals.
 * @returns the request as it is then; null where there is none
 * @throws AppError `unavailable`
 */
export function changeRequest(deps: ChangeRequestDeps, requestId: string, input: Input): Promise<StoredRequest | null> {
  return deps.records.together(requestId, input, (inputs) => changeNow(deps, requestId, inputs))
}

async function changeNow(
  { records, clock, goesOnAtOnce }: ChangeRequestDeps,
  requestId: string,
  inputs: Input[],
): Promise<StoredRequest | null> {
  const decideAll = (record: RequestRecord) =>
    inputs.reduce(
      (before, input) => decide(before, input, clock.now(), goesOnAtOnce || input.kind !== 'task-ended'),
      record,
    )
  const known = records.known(requestId)
  const next = known === null ? null : decideAll(known.record)
  // What is known may be old: that it need not change is not believed of it.
  if (known !== null && next !== null && next !== known.record) {
    const stored = await records.write(next, known.seq)
    if (stored !== null) return stored
  }
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = await records.read(requestId)
    if (current === null) return null
    const changed = decideAll(current.record)
    if (changed === current.record) return current
    const stored = await records.write(changed, current.seq)
    if (stored !== null) return stored
  }
  throw unavailable('The request changes too quickly to be changed. Try again.')
}
