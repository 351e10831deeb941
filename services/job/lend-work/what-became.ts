import type { LeaseToken } from '#shared/accept/lease.ts'
import { parseEvent } from '#shared/bus/read-event.ts'
import type { SettledWork, Settlement } from '#shared/contracts/http/work.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import { eventSubject, type JobEventName } from '#shared/contracts/log/subjects.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import type { LendDeps } from './lend-deps.ts'

/** After one of these nothing of an attempt follows. A start is that of the next one: the lease of this one ran out. */
const ENDS: readonly JobEventName[] = [
  'job:finished',
  'job:failed',
  'job:cancelled',
  'job:retrying',
  'job:released',
  'job:started',
]

/** Who or what ended an attempt; `too-large`: by a result or an error that the log has no room for. */
type EndedBy = 'complete' | 'bad-result' | 'fail' | 'release' | 'too-large' | 'timeout' | 'lease' | 'cancel' | 'unknown'

const STATUSES: Partial<Record<JobEventName, SettledWork['status']>> = {
  'job:finished': 'finished',
  'job:failed': 'failed',
  'job:retrying': 'retrying',
  'job:released': 'released',
}

/** The status that an attempt's end gave its job. */
export const statusAfter = ({ event }: JobEvent): SettledWork['status'] => STATUSES[event] ?? 'ended'

/**
 * The answer about an attempt that is over: the same as before where this call repeats the one that ended it, and else
 * how it ended, as far as the log still tells.
 * @param isEnd whether the job has ended, by whatever attempt
 * @throws AppError `unavailable`
 */
export async function whatBecame(
  deps: Pick<LendDeps, 'stream'>,
  token: LeaseToken,
  item: Settlement,
  isEnd: boolean,
): Promise<Pick<SettledWork, 'status' | 'detail'>> {
  const end = await endOfAttempt(deps, token)
  const by = end === null ? 'unknown' : endedBy(end)
  if (end !== null && isRepeat(item, by)) return { status: statusAfter(end) }
  return { status: isEnd ? 'ended' : 'superseded', detail: detailOf(by, isEnd) }
}

/** The event that ended the attempt of a lease; null where the log has none, or not any more. */
async function endOfAttempt({ stream }: Pick<LendDeps, 'stream'>, token: LeaseToken): Promise<JobEvent | null> {
  const reading = ENDS.map((event) => stream.nextOf(eventSubject(event, token), token.seq + 1))
  const found = await Promise.all(reading).catch((error: unknown) => {
    throw unavailable('The broker did not answer. Repeat the call.', error)
  })
  const [first] = found.filter((message) => message !== null).toSorted((one, other) => one.seq - other.seq)
  return first === undefined ? null : parseEvent(first.body)
}

/** Reasons for which a job fails whose attempt was completed. */
const BAD_RESULT: ReadonlySet<string> = new Set(['result_too_large', 'result_too_deep', 'result_not_json'])

function endedBy(end: JobEvent): EndedBy {
  const reason = 'reason' in end && typeof end.reason === 'string' ? end.reason : ''
  if (reason === 'timeout') return 'timeout'
  if (reason === 'crashed') return 'lease'
  switch (end.event) {
    case 'job:finished':
      return 'complete'
    case 'job:failed':
      if (reason === 'event_too_large') return 'too-large'
      if (reason === 'permanent' || reason === 'attempts_exhausted') return 'fail'
      return BAD_RESULT.has(reason) ? 'bad-result' : 'unknown'
    case 'job:cancelled':
      return 'cancel'
    case 'job:retrying':
      return 'fail'
    case 'job:released':
      return 'release'
    case 'job:started':
      return 'lease'
    case 'job:created':
    case 'job:scheduled':
    case 'job:progress':
      return 'unknown'
  }
}

function isRepeat({ complete, fail, release }: Settlement, by: EndedBy): boolean {
  if (complete !== undefined) return by === 'complete' || by === 'bad-result' || by === 'too-large'
  if (fail !== undefined) return by === 'fail' || by === 'too-large'
  return release !== undefined && by === 'release'
}

const HOW: Record<EndedBy, string> = {
  complete: 'This attempt was completed before',
  'bad-result': 'This attempt was completed before, with a result that cannot be stored',
  fail: 'This attempt was reported as failed before',
  release: 'This attempt was released before',
  'too-large': 'This attempt was ended before, with more than can be stored',
  timeout: 'This attempt took longer than its time limit',
  lease: 'The lease of this attempt ran out',
  cancel: 'This attempt was cancelled',
  unknown: 'This attempt is over',
}

/** "The lease of this attempt ran out, and the job goes on without it." */
const detailOf = (by: EndedBy, isEnd: boolean): string =>
  `${HOW[by]}, and the job ${isEnd ? 'has ended' : 'goes on without it'}.`
