import { AppError, unavailable } from '#shared/runtime/errors.ts'
import type { Counter } from '#shared/runtime/metrics.ts'
import { decide, type Input } from '../decide/decide.ts'
import { isEnded, type RequestRecord } from '../decide/record.ts'
import type { RequestRecords, StoredRequest } from './request-records.ts'

export interface ChangeRequestDeps {
  records: RequestRecords
  clock: { now(): number }
  /** false: after the end of a job a request goes on at its times alone. */
  goesOnAtOnce: boolean
  ended: Counter<'status'>
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
  { records, clock, goesOnAtOnce, ended }: ChangeRequestDeps,
  requestId: string,
  inputs: Input[],
): Promise<StoredRequest | null> {
  let wanted = inputs
  const decideNow = (record: RequestRecord) => decide(record, wanted, clock.now(), goesOnAtOnce)
  let current = records.known(requestId)
  // What is known may be old: that it need not change is not believed of it.
  let isSure = false
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (current === null) {
      current = await records.read(requestId)
      isSure = true
    }
    if (current === null) return null
    const changed = decideNow(current.record)
    if (changed === current.record) {
      if (isSure) return current
      current = null
      continue
    }
    try {
      const stored = await records.write(changed, current.seq)
      if (stored !== null) {
        if (isEnded(changed) && !isEnded(current.record)) ended.inc({ status: changed.status })
        return stored
      }
      current = null
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'payload-too-large' || wanted !== inputs) throw error
      // It can never be stored: the request fails instead, as it is.
      wanted = [{ kind: 'too-large' }]
    }
  }
  throw unavailable('The request changes too quickly to be changed. Try again.')
}
