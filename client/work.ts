import type { ClaimedWork, ClaimWork, ExtendedWork, ExtendWork, LentJob, SettledWork, WorkError } from './contracts.ts'
import type { CallOptions } from './job-request.ts'
import { oneCallKey } from './random-id.ts'
import { sendRequest, type Transport } from './request.ts'

export type WorkCalls = ReturnType<typeof makeWorkCalls>

/**
 * The calls of a worker, each as the server has it; `runWorker` makes them. They need the scope `work` where tokens are
 * required.
 */
export function makeWorkCalls(transport: Transport) {
  const post = <Answer>(path: string, body: unknown, { signal }: CallOptions, waitS = 0): Promise<Answer> =>
    sendRequest(transport, { method: 'POST', path, body, waitS, signal })
  const end = (
    { job_id, lease }: Pick<LentJob, 'job_id' | 'lease'>,
    verb: string,
    body: object,
    options: CallOptions,
  ): Promise<SettledWork> => post(`/v1/work/${encodeURIComponent(job_id)}/${verb}`, { lease, ...body }, options)
  return {
    /** Asks for jobs, and settles earlier ones. Repeated until it is answered, it gets the same jobs. */
    claim: (body: ClaimWork, options: CallOptions = {}): Promise<ClaimedWork> =>
      post('/v1/work', { claim_id: oneCallKey(), ...body }, options, body.wait_s),

    extend: (body: ExtendWork, options: CallOptions = {}): Promise<ExtendedWork> =>
      post('/v1/work/extend', body, options),

    complete: (job: Pick<LentJob, 'job_id' | 'lease'>, result: unknown, options: CallOptions = {}) =>
      end(job, 'complete', { result }, options),

    /** @param retry false: another attempt cannot help */
    fail: (
      job: Pick<LentJob, 'job_id' | 'lease'>,
      { error, retry }: { error: WorkError; retry?: false | { delay_ms: number } | undefined },
      options: CallOptions = {},
    ) => end(job, 'fail', { error, ...(retry === undefined ? {} : { retry }) }, options),

    /** Hands a job back: another worker gets it, and no attempt is spent. */
    release: (job: Pick<LentJob, 'job_id' | 'lease'>, options: CallOptions = {}) => end(job, 'release', {}, options),
  }
}
