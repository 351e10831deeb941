import { SECOND } from '#shared/runtime/clock.ts'
import { AppError, unavailable } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logger.ts'

const ANSWER_WITHIN_MS = 5 * SECOND
/** What an answer about workers says besides its body. */
const PASSED_HEADERS = ['content-type', 'cache-control', 'link', 'retry-after']

export interface ForwardedAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export interface ForwardDeps {
  /** Any of them can answer for all. */
  jobUrls: readonly string[]
  log: Logger
}

/**
 * Where no nginx stands in front, the api asks a job service itself. Whoever answered last is asked first.
 * @param target path and query, as the caller sent them
 * @throws AppError `not-found` without any address; `unavailable`
 */
export function createForwarder({ jobUrls, log }: ForwardDeps) {
  let addresses = [...jobUrls]
  return async (method: string, target: string, requestId: string): Promise<ForwardedAnswer> => {
    if (addresses.length === 0) {
      throw new AppError('not-found', 'Workers are served by the job service; JOB_URLS names none to this api.')
    }
    let lastError: unknown
    for (const address of addresses) {
      try {
        const response = await fetch(`${address}${target}`, {
          method,
          headers: { 'Hasty-Request-Id': requestId },
          redirect: 'manual',
          signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        })
        const answer = { status: response.status, headers: passedHeaders(response), body: await response.text() }
        if (address !== addresses[0]) addresses = [address, ...addresses.filter((other) => other !== address)]
        return answer
      } catch (error) {
        log.debug({ err: error, address }, 'a job service did not answer')
        lastError = error
      }
    }
    throw unavailable('No job service answers.', lastError)
  }
}

const passedHeaders = ({ headers }: Response): Record<string, string> =>
  Object.fromEntries(PASSED_HEADERS.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : [])))
