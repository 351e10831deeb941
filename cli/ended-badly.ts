import type { JobView } from '../client/index.ts'
import { adviceOf } from './advice.ts'
import type { CommandContext } from './command-context.ts'
import { EndedBadly } from './explain-error.ts'

type Ended = Pick<JobView, 'job_id' | 'error' | 'reason'> & { status: JobView['status'] }

/** The error for a job that failed or was cancelled, with what the server advises to do next. */
export async function endedBadly(
  { client, signal }: Pick<CommandContext, 'client' | 'signal'>,
  { job_id: jobId, status, error, reason }: Ended,
): Promise<EndedBadly> {
  const what = status === 'failed' ? 'failed' : 'was cancelled'
  const why = error?.message || error?.name || reason || 'no reason was given'
  const sentence = `Job ${jobId} ${what}: ${why.replace(/\.$/, '')}.`
  // How it ended is known: without an answer only the advice is missing.
  const advice = await client.why(jobId, { signal }).then(adviceOf, () => '')
  return new EndedBadly(status, `${sentence} ${advice}`.trim())
}
