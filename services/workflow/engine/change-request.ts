import { unavailable } from '#shared/runtime/errors.ts'
import { decide, type Input } from '../decide/decide.ts'
import type { RequestRecord } from '../decide/record.ts'
import type { RequestRecords, StoredRequest } from './request-records.ts'

export interface ChangeRequestDeps {
  records: RequestRecords
  clock: { now(): number }
}

/** Each job that ends beside another one is a rival. */
const MAX_TRIES = 100

/**
 * Reads, decides, compares and sets; again when somebody else was faster.
 * @returns the request as it is then; null where there is none
 * @throws AppError `unavailable`
 */
export async function changeRequest(
  { records, clock }: ChangeRequestDeps,
  requestId: string,
  input: Input,
): Promise<StoredRequest | null> {
  const known = records.known(requestId)
  const next = known === null ? null : decide(known.record, input, clock.now())
  // What is known may be old: that it need not change is not believed of it.
  if (known !== null && next !== null && next !== known.record) {
    const stored = await records.write(next, known.seq)
    if (stored !== null) return stored
  }
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const current = await records.read(requestId)
    if (current === null) return null
    const changed: RequestRecord = decide(current.record, input, clock.now())
    if (changed === current.record) return current
    const stored = await records.write(changed, current.seq)
    if (stored !== null) return stored
  }
  throw unavailable('The request changes too quickly to be changed. Try again.')
}
